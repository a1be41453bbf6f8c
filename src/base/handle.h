// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

namespace tailgate {

/// Owns a file descriptor.
class Handle {
 public:
  Handle() = default;
  explicit Handle(int fd) : fd_(fd) {}
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Handle() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Writes all of it, in as many calls as it takes. False: errno says why, and a part of it may be written. Blocks as the
/// descriptor does.
bool write_all(int fd, std::string_view bytes);

/// Makes the names in a directory durable, on file systems that know such a sync. False: errno says why not.
bool sync_directory(const std::string& path);

}  // namespace tailgate
