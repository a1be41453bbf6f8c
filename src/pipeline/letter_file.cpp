// SPDX-License-Identifier: Apache-2.0
#include "pipeline/letter_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/handle.h"

namespace tailgate::pipeline {

Result<LetterFile> LetterFile::open(const std::string& path, Existing existing) {
  LetterFile file;
  const int only_new = existing == Existing::refuse ? O_EXCL : 0;
  file.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | only_new, 0600);
  if (file.fd_ < 0) return fail(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  file.path_ = path;
  struct stat about {};
  if (::fstat(file.fd_, &about) == 0) file.bytes_ = static_cast<Bytes>(about.st_size);
  return file;
}

LetterFile& LetterFile::operator=(LetterFile&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  path_ = std::move(other.path_);
  bytes_ = other.bytes_;
  return *this;
}

void LetterFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  path_.clear();
  bytes_ = 0;
}

bool LetterFile::hold() {
  if (fd_ < 0) return false;
  // Where locks do not work, nobody can take it either.
  if (::flock(fd_, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  struct stat about {};
  if (::fstat(fd_, &about) != 0 || about.st_nlink > 0) return true;
  (void)::flock(fd_, LOCK_UN);
  return false;
}

Result<void> LetterFile::append(std::string_view lines) {
  Result<void> written = write(lines);
  if (written.has_value()) bytes_ += lines.size();
  if (fd_ >= 0) (void)::flock(fd_, LOCK_UN);
  return written;
}

Result<void> LetterFile::write(std::string_view lines) {
  struct stat about {};
  const bool can_take_back = ::fstat(fd_, &about) == 0 && S_ISREG(about.st_mode);
  // Takes a torn or unsynced end back, so that a retry neither follows half a line nor repeats one.
  const auto failed = [&](std::string_view what, int why) {
    const bool torn = can_take_back && ::ftruncate(fd_, about.st_size) != 0;
    return fail(fmt::format("cannot {}: {}{}; their lines wait", what, std::strerror(why),
                            torn ? fmt::format(", and a torn line stays in {}", path_) : ""));
  };
  if (!write_all(fd_, lines)) return failed("write", errno);
  if (!can_take_back || ::fsync(fd_) == 0) return {};
  Result<void> result = failed("sync", errno);
  // What the kernel holds of it is not to be trusted: another file next time.
  close();
  return result;
}

}  // namespace tailgate::pipeline
