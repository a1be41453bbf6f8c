// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/units.h"

namespace tailgate::pipeline {

/// One file of dead letters, open for appending, mode 0600. It is held only while something is written: in between
/// `dead replay` and `dead purge` of another process may take it, rewrite it or remove it. One owner, one thread at a time.
class LetterFile {
 public:
  enum class Existing { append, refuse };

  LetterFile() = default;
  /// `refuse`: a file that is there already is an error.
  static Result<LetterFile> open(const std::string& path, Existing existing);
  LetterFile(LetterFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), bytes_(other.bytes_) {}
  LetterFile& operator=(LetterFile&& other) noexcept;
  ~LetterFile() { close(); }

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// As this process knows it.
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  void close();

  /// Holds the file for a write. False when another process has it, or had it and left another in its place: open anew.
  [[nodiscard]] bool hold();
  /// Appends whole lines and syncs them, then lets the file go. After an error it is as it was, or closed.
  Result<void> append(std::string_view lines);

 private:
  Result<void> write(std::string_view lines);

  int fd_ = -1;
  std::string path_;
  Bytes bytes_ = 0;
};

}  // namespace tailgate::pipeline
