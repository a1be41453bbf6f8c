// SPDX-License-Identifier: Apache-2.0
#include "state/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <utility>

namespace tailgate::state {

std::uint64_t disk_room(const std::string& directory) {
  struct statvfs about {};
  if (::statvfs(directory.c_str(), &about) != 0) return 0;
  return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

Ballast::Ballast(std::string directory, std::uint64_t bytes)
    : directory_(std::move(directory)), path_(directory_ + "/spool.ballast"), bytes_(bytes) {
  struct stat about {};
  held_ = ::stat(path_.c_str(), &about) == 0 &&
          static_cast<std::uint64_t>(about.st_blocks) * 512 >= bytes_;
}

void Ballast::take() {
  if (held_ || disk_room(directory_) < bytes_) return;
  const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  held_ = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes_)) == 0;
  ::close(fd);
  if (!held_) drop();
}

void Ballast::drop() {
  ::unlink(path_.c_str());
  held_ = false;
}

}  // namespace tailgate::state
