// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace tailgate::state {

/// Makes sure that one process alone uses a data directory: `flock` on DIR/lock, which holds the
/// owner's pid. The kernel frees it when the owner ends, however it ends.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~DirectoryLock();

  /// What whoever waits for another owner does meanwhile; either may be empty.
  struct Waiting {
    std::function<void(const std::string& holder)> begins;  // once
    std::function<bool()> ends;                             // true: no longer wanted
  };
  /// Waits up to `grace` for another owner to end; the error names it.
  static Result<DirectoryLock> take(const std::string& directory, Millis grace,
                                    const Waiting& waiting = {});

 private:
  int fd_ = -1;
};

/// Makes the directory with its parents when missing: 0700, so that no other user reads what waits
/// in it.
Result<void> make_directory(const std::string& directory);

/// Refuses a directory on a network file system: locks and memory maps are not dependable there.
Result<void> require_local(const std::string& directory);

}  // namespace tailgate::state
