// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/gunzip.h"
#include "base/raw_bytes.h"
#include "core/source.h"
#include "sources/line_buffer.h"

namespace tailgate::sources {

/// Reads bytes to their end, once: stdin, or files one after the other (gz by their magic number). Each has a generation
/// of its own for this run; no position is kept. Stdin is never switched to non-blocking: others share it.
class ReaderSource final : public Source {
 public:
  /// `paths` empty: stdin.
  ReaderSource(std::vector<std::string> paths, std::size_t max_line_bytes, SourceContext context);
  ~ReaderSource() override;
  ReaderSource(const ReaderSource&) = delete;
  ReaderSource& operator=(const ReaderSource&) = delete;

  [[nodiscard]] int wait_fd() const override;
  Wakeup watch(Tick now) override;
  std::optional<Lines> read(std::size_t max_bytes) override;
  void checkpoint() override;
  void stopping(Tick until) override;
  void ends() override;
  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool rereadable() const override { return false; }
  [[nodiscard]] bool writers_gone() const override { return finished_; }
  [[nodiscard]] SourceStatus status() const override;

 private:
  bool open_next();
  /// Reads once into the buffer; true at the end of the input.
  bool fill(std::size_t max_bytes);
  void fail_input(const std::string& what);
  /// Reading would not block.
  [[nodiscard]] bool may_read() const;

  std::vector<std::string> paths_;
  SourceContext context_;
  std::size_t next_path_ = 0;
  int fd_ = -1;
  bool waits_ = false;  // the input is a pipe, a terminal or a socket
  bool finished_ = false;
  bool stopping_ = false;
  bool ended_ = false;          // read to its end, or as far as it could be
  bool at_start_ = false;       // of the input: the magic number is looked for
  std::uint64_t raw_read_ = 0;  // bytes of all inputs, as they lie there
  std::uint64_t total_ = 0;     // of all regular files
  std::shared_ptr<Stream> stream_;
  std::unique_ptr<Gunzip> gunzip_;
  RawBytes raw_;  // gz: what was read
  LineBuffer buffer_;
};

SourceEntry stdin_source_entry();
SourceEntry read_source_entry();

}  // namespace tailgate::sources
