// SPDX-License-Identifier: Apache-2.0
#include "state/log_repair.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace tailgate::state {
namespace {

constexpr std::size_t kHead = 32;
constexpr std::size_t kFrameHead = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // its last bit: checksums of big-endian words
constexpr std::uint32_t kFormat = 3007000;

std::uint32_t big(const char* at) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(at[i]);
  return number;
}

void put_big(std::uint32_t number, char* at) {
  for (int i = 3; i >= 0; --i, number >>= 8) at[i] = static_cast<char>(number & 0xff);
}

std::uint32_t little(const char* at) {
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(at[i]);
  return number;
}

struct Sums {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  bool operator==(const Sums&) const = default;
};

Sums sums_at(const char* at) {
  return {big(at), big(at + 4)};
}

void put(const Sums& sums, char* at) {
  put_big(sums.first, at);
  put_big(sums.second, at + 4);
}

Sums add(Sums sums, std::string_view bytes, bool big_endian) {
  const auto word = big_endian ? big : little;
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    sums.first += word(bytes.data() + at) + sums.second;
    sums.second += word(bytes.data() + at + 4) + sums.first;
  }
  return sums;
}

class Log {
 public:
  Log(int fd, std::string path, std::uint32_t page_bytes)
      : fd_(fd), path_(std::move(path)), frame_(kFrameHead + page_bytes) {}
  ~Log() { ::close(fd_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  Result<LogRepair> repair() {
    struct stat about {};
    if (::fstat(fd_, &about) != 0) return broken("read");
    const auto size = static_cast<std::uint64_t>(about.st_size);
    if (size < kHead + frame_.size()) return LogRepair{};
    frames_ = (size - kHead) / frame_.size();
    if (!take_head() || !look()) return broken("read");
    if (commits_.empty() || good_ > commits_.back()) {
      if (head_changed_ && !commits_.empty() && !seal()) return broken("write");
      return LogRepair{head_changed_, 0};
    }
    std::size_t torn = 0;
    while (commits_[torn] < good_) ++torn;
    if (commits_[torn] == commits_.back())
      return LogRepair{false, (commits_[torn] - good_ + 1) * frame_.size()};
    if (!seal()) return broken("write");
    return LogRepair{true, 0};
  }

 private:
  [[nodiscard]] tl::unexpected<Error> broken(std::string_view doing) const {
    return fail(fmt::format("{}: cannot {}: {}", path_, doing, std::strerror(errno)));
  }

  bool read(std::uint64_t at, char* into, std::size_t size) const {
    return ::pread(fd_, into, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  }
  bool write(std::uint64_t at, const char* from, std::size_t size) const {
    return ::pwrite(fd_, from, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
  }
  [[nodiscard]] std::uint64_t place(std::uint64_t frame) const {
    return kHead + frame * frame_.size();
  }
  [[nodiscard]] std::string_view page() const {
    return {frame_.data() + kFrameHead, frame_.size() - kFrameHead};
  }

  // The salts tell the frames of this log from those of an older one in the same file.
  bool take_head() {
    if (!read(0, head_.data(), head_.size()) || !read(kHead, frame_.data(), kFrameHead))
      return false;
    big_endian_ = (big(head_.data()) & 1) != 0;
    start_ = add({}, {head_.data(), 24}, big_endian_);
    head_changed_ = !(start_ == sums_at(head_.data() + 24));
    if (!head_changed_) return true;
    put_big(kMagic | (big_endian_ ? 1 : 0), head_.data());
    put_big(kFormat, head_.data() + 4);
    put_big(static_cast<std::uint32_t>(page().size()), head_.data() + 8);
    std::memcpy(head_.data() + 16, frame_.data() + 8, 8);
    // The frames go on from the sums as they were.
    start_ = sums_at(head_.data() + 24);
    return true;
  }

  // How far the chain of checksums holds, and where transactions end.
  bool look() {
    Sums sums = start_;
    bool holds = true;
    for (std::uint64_t frame = 0; frame < frames_; ++frame) {
      if (!read(place(frame), frame_.data(), frame_.size())) return false;
      const bool ours = std::memcmp(frame_.data() + 8, head_.data() + 16, 8) == 0;
      if (ours && big(frame_.data() + 4) != 0) commits_.push_back(frame);
      if (!holds) continue;
      const Sums next = add(add(sums, {frame_.data(), 8}, big_endian_), page(), big_endian_);
      holds = ours && next == sums_at(frame_.data() + 16);
      if (!holds) continue;
      good_ = frame + 1;
      sums = next;
    }
    sums_ = sums;
    return true;
  }

  bool seal() {
    Sums sums = sums_;
    if (head_changed_) {
      put(add({}, {head_.data(), 24}, big_endian_), head_.data() + 24);
      if (!write(0, head_.data(), head_.size())) return false;
      sums = sums_at(head_.data() + 24);
      good_ = 0;
    }
    for (std::uint64_t frame = good_; frame <= commits_.back(); ++frame) {
      if (!read(place(frame), frame_.data(), frame_.size())) return false;
      std::memcpy(frame_.data() + 8, head_.data() + 16, 8);
      sums = add(add(sums, {frame_.data(), 8}, big_endian_), page(), big_endian_);
      put(sums, frame_.data() + 16);
      if (!write(place(frame), frame_.data(), kFrameHead)) return false;
    }
    return ::fsync(fd_) == 0;
  }

  int fd_;
  std::string path_;
  std::array<char, kHead> head_{};
  std::vector<char> frame_;
  std::uint64_t frames_ = 0;
  std::uint64_t good_ = 0;  // frames in front whose checksums fit
  Sums start_;              // of the head
  Sums sums_;               // of the last good frame
  std::vector<std::uint64_t> commits_;
  bool big_endian_ = false;
  bool head_changed_ = false;
};

}  // namespace

Result<LogRepair> repair_log(const std::string& path, std::uint32_t page_bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return LogRepair{};
  if (fd < 0) return fail(fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  return Log(fd, path, page_bytes).repair();
}

}  // namespace tailgate::state
