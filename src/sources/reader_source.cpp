// SPDX-License-Identifier: Apache-2.0
#include "sources/reader_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tailgate::sources {
namespace {

bool is_regular(int fd, std::uint64_t& size) {
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return false;
  size = static_cast<std::uint64_t>(about.st_size);
  return true;
}

}  // namespace

ReaderSource::ReaderSource(std::vector<std::string> paths, std::size_t max_line_bytes,
                           SourceContext context)
    : paths_(std::move(paths)),
      context_(std::move(context)),
      buffer_(max_line_bytes, context_.format) {
  std::uint64_t size = 0;
  if (paths_.empty()) {
    waits_ = !is_regular(STDIN_FILENO, size);
    total_ = size;
  }
  for (const std::string& path : paths_) {
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0) total_ += static_cast<std::uint64_t>(about.st_size);
  }
  if (!open_next()) finished_ = true;
}

ReaderSource::~ReaderSource() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

bool ReaderSource::open_next() {
  if (fd_ > STDERR_FILENO) ::close(fd_);
  fd_ = -1;
  std::string name = "stdin";
  while (fd_ < 0) {
    if (paths_.empty()) {
      if (next_path_++ > 0) return false;
      fd_ = STDIN_FILENO;
    } else {
      if (next_path_ == paths_.size()) return false;
      name = paths_[next_path_++];
      fd_ = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
      if (fd_ < 0)
        fail_input(fmt::format("{}: cannot open: {}; skipped", name, std::strerror(errno)));
    }
  }
  stream_ = std::make_shared<Stream>(Uuid::random(), context_.name, name,
                                     std::vector<SinkPosition>(context_.sinks.size()));
  gunzip_.reset();
  ended_ = false;
  at_start_ = true;
  buffer_.begin(0);
  return true;
}

// Something cannot be read: said, and the exit code tells.
void ReaderSource::fail_input(const std::string& what) {
  context_.log.error("{}", what);
  context_.counters->unread_inputs.add();
  ended_ = true;
}

int ReaderSource::wait_fd() const {
  return waits_ ? STDIN_FILENO : -1;
}

Wakeup ReaderSource::watch(Tick now) {
  if (finished_) return {std::nullopt, false, true};
  if (!waits_) return {std::nullopt, true};
  const bool ready = may_read();
  return {buffer_.due(), ready || buffer_.overdue(now), ready};
}

bool ReaderSource::fill(std::size_t max_bytes) {
  RawBytes& text = buffer_.open();
  if (ended_) return true;
  const bool plain = gunzip_ == nullptr && !at_start_;
  RawBytes& into = plain ? text : raw_;
  const std::size_t before = plain ? text.size() : 0;
  into.resize(before + max_bytes);
  ssize_t got = 0;
  do {
    got = ::read(fd_, into.data() + before, max_bytes);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    fail_input(fmt::format("{}: cannot read: {}; the rest is left", stream_->path(),
                           std::strerror(errno)));
    got = 0;
  }
  into.resize(before + static_cast<std::size_t>(got));
  raw_read_ += static_cast<std::uint64_t>(got);
  if (plain) return got == 0;
  const std::string_view input(raw_.data(), raw_.size());
  if (at_start_ && looks_gzipped(input)) gunzip_ = std::make_unique<Gunzip>();
  at_start_ = false;
  if (gunzip_ == nullptr) {
    append(text, input);
    return got == 0;
  }
  const Result<void> inflated = got == 0 ? gunzip_->end() : gunzip_->feed(input, text);
  if (inflated.has_value()) return got == 0;
  fail_input(fmt::format("{}: {}; the rest is left", stream_->path(), inflated.error().what));
  return true;
}

std::optional<Lines> ReaderSource::read(std::size_t max_bytes) {
  while (!finished_) {
    const Tick now = context_.clock->now();
    const bool at_end = may_read() ? fill(max_bytes) : (buffer_.open(), false);
    if (buffer_.cut(at_end, now)) {
      Cut& cut = buffer_.lines();
      return Lines{stream_->add_chunk(cut.offsets), cut.lines, {}, cut.parts};
    }
    if (at_end && !open_next()) finished_ = true;
    // In the middle of a long line: more at once, but only when reading would not block.
    if (!may_read()) return std::nullopt;
  }
  return std::nullopt;
}

bool ReaderSource::may_read() const {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return !waits_ || ::poll(&input, 1, 0) > 0;
}

void ReaderSource::checkpoint() {
  context_.counters->files_open.set(fd_ >= 0 ? 1 : 0);
}

void ReaderSource::stopping(Tick /*until*/) {
  stopping_ = true;
}

// At a stop, and not where nobody wants more: the rest of a line may still have come, so what there is of it is no line
// to send, and it is gone with us.
void ReaderSource::ends() {
  if (!stopping_ || finished_ || !waits_ || !buffer_.waits()) return;
  const std::uint64_t lost = buffer_.end() - stream_->end_offset();
  context_.counters->lost_bytes.add(lost);
  context_.log.warn("{}: stopped in the middle of a line; its first {} bytes are lost",
                    stream_->path(), lost);
}

SourceStatus ReaderSource::status() const {
  SourceStatus status;
  status.watching = true;
  status.total_bytes = total_;
  if (stream_ != nullptr) {
    status.files.push_back(
        {stream_->path(), 0, stream_->end_offset(), stream_->settled_offset(), ""});
    status.lag_bytes = stream_->end_offset() - stream_->settled_offset();
  }
  return status;
}

}  // namespace tailgate::sources
