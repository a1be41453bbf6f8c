// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tailgate::app {

/// One dead letter as it lies in a file.
struct StoredLetter {
  std::string line;  // the NDJSON line, without its newline
  std::string time;
  std::string source;
  std::string path;
  std::string gen;
  std::uint64_t offset = 0;
  std::string sink;   // empty: before any sink
  std::string stage;  // parse | filter | sink
  std::string reason;
  std::string event;  // JSON; empty when `raw` is there
  std::string raw;    // the line as it came
  bool torn = false;  // not readable: the process died while writing it; its line was not settled
};

/// Which letters a command is about; empty means all.
struct LetterChoice {
  std::string reason;  // a part of it
  std::string sink;
  std::string stage;

  [[nodiscard]] bool takes(const StoredLetter& letter) const;
};

/// Dead-letter files of a folder (or one file), oldest first.
Result<std::vector<std::string>> letter_files(const std::string& place);
/// Every letter of a file, in order.
Result<void> each_letter(const std::string& file,
                         const std::function<void(const StoredLetter&)>& visit);
/// Holds a file of dead letters for oneself: a running process goes on in another one. Refused when another `dead`
/// command has it.
class LetterLock {
 public:
  static Result<LetterLock> take(const std::string& file);
  LetterLock(LetterLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LetterLock& operator=(LetterLock&&) = delete;
  ~LetterLock();

 private:
  explicit LetterLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Rewrites a file, which the caller holds, without the letters that `drop` takes; removes it when nothing is left.
Result<std::uint64_t> drop_letters(const LetterLock& held, const std::string& file,
                                   const std::function<bool(const StoredLetter&)>& drop);

}  // namespace tailgate::app
