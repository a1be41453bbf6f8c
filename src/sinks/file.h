// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/sink.h"

namespace tailgate::sinks {

/// Appends to a file, a line per event. Writes in send(): the page cache answers soon enough. A write
/// that fails is taken back, so no line is torn.
class FileSink final : public Sink {
 public:
  FileSink(std::string path, bool sync);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  void send(const Batch& batch, Done done) override;
  [[nodiscard]] bool waits() const override { return sync_ || remote_; }
  void stop(Tick /*deadline*/) override {}

 private:
  Result<void> open();
  Result<void> append(std::string_view text);
  Result<void> mend();
  void close();

  std::string path_;
  bool sync_;
  bool remote_;
  int fd_ = -1;
  bool mended_ = false;
};

}  // namespace tailgate::sinks
