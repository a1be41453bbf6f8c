// SPDX-License-Identifier: Apache-2.0
#include "state/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/file_system.h"

namespace tailgate::state {
namespace {

constexpr Millis kLockPoll{50};

std::string holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!pid.empty() && (pid.back() == '\n' || pid.back() == ' ')) pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

void write_pid(int fd) {
  // For people who look for the holder; the lock itself is the kernel's.
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) == 0) (void)!pwrite(fd, pid.data(), pid.size(), 0);
}

}  // namespace

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

Result<DirectoryLock> DirectoryLock::take(const std::string& directory, Millis grace,
                                          const Waiting& waiting) {
  const std::string path = directory + "/lock";
  DirectoryLock lock;
  lock.fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock.fd_ < 0) return fail(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  const Tick deadline = std::chrono::steady_clock::now() + grace;
  bool said = false;
  while (flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(fmt::format("{}: cannot lock: {}", path, std::strerror(errno)));
    }
    if (waiting.begins && !said && grace.count() > 0) waiting.begins(holder(lock.fd_));
    said = true;
    const bool unwanted = waiting.ends && waiting.ends();
    if (unwanted || std::chrono::steady_clock::now() >= deadline) {
      return fail(
          fmt::format("{}: {} uses this data directory; end it, or give this one another data_dir",
                      directory, holder(lock.fd_)));
    }
    std::this_thread::sleep_for(kLockPoll);
  }
  write_pid(lock.fd_);
  return lock;
}

Result<void> make_directory(const std::string& directory) {
  for (std::size_t at = 1; at <= directory.size(); ++at) {
    if (at < directory.size() && directory[at] != '/') continue;
    const std::string part = directory.substr(0, at);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      const int why = errno;
      struct stat found {};
      if (stat(part.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) continue;
      return fail(fmt::format("{}: cannot make the directory: {}", part, std::strerror(why)));
    }
  }
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return fail(fmt::format("{}: is not a directory", directory));
  }
  return {};
}

Result<void> require_local(const std::string& directory) {
  struct statfs found {};
  if (statfs(directory.c_str(), &found) != 0) {
    return fail(
        fmt::format("{}: cannot tell its file system: {}", directory, std::strerror(errno)));
  }
  const std::string_view name = network_file_system(static_cast<long>(found.f_type));
  if (name.empty()) return {};
  return fail(fmt::format(
      "{}: lies on {}, where file locks cannot be relied on and two processes could send every "
      "line twice; use a local disk for data_dir, or say `data_dir_on_network: true` where one "
      "process alone can have it",
      directory, name));
}

}  // namespace tailgate::state
