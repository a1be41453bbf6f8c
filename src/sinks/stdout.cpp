// SPDX-License-Identifier: Apache-2.0
#include "sinks/stdout.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/file_system.h"
#include "base/thread.h"
#include "sinks/registry.h"

namespace tailgate::sinks {

PatientWriter::PatientWriter(int fd) : fd_(fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return;
  remote_ = is_remote(fd);
  if (S_ISSOCK(about.st_mode)) {
    kind_ = Kind::socket;
  } else if (S_ISFIFO(about.st_mode)) {
    // A description of our own: O_NONBLOCK on the inherited one would befall whoever else holds it,
    // such as the shell.
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    own_fd_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    kind_ = own_fd_ >= 0 ? Kind::unblocked : Kind::sips;
  } else if (::isatty(fd) != 0) {
    kind_ = Kind::sips;
  }
}

PatientWriter::~PatientWriter() {
  if (own_fd_ >= 0) ::close(own_fd_);
}

long PatientWriter::write(std::string_view text) {
  while (true) {
    ssize_t n = 0;
    if (kind_ == Kind::socket) {
      n = ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (kind_ == Kind::sips) {
      // What poll() calls writable takes PIPE_BUF bytes without blocking.
      pollfd ready{fd_, POLLOUT, 0};
      if (::poll(&ready, 1, 0) <= 0) return 0;
      n = ::write(fd_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    } else {
      n = ::write(fd(), text.data(), text.size());
    }
    if (n >= 0) return n;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  }
}

StdoutSink::StdoutSink(int fd) : writer_(fd), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

StdoutSink::~StdoutSink() {
  stop(Tick{});
  ::close(wake_fd_);
}

/// Writes what goes. True: it is over, and `out` says how.
bool StdoutSink::write_some(Pending& pending, Outcome& out) {
  while (!pending.rest.empty()) {
    const long n = writer_.write(pending.rest);
    if (n == 0) return false;
    if (n < 0) {
      const int error = errno;
      const bool closed = error == EPIPE || error == EBADF;
      out.kind = closed ? Outcome::Kind::closed : Outcome::Kind::endpoint_trouble;
      out.reason = closed ? std::string("stdout was closed by its reader")
                          : std::string("cannot write to stdout: ") + std::strerror(error);
      return true;
    }
    pending.rest.remove_prefix(static_cast<std::size_t>(n));
  }
  out.kind = Outcome::Kind::answered;
  return true;
}

void StdoutSink::send(const Batch& batch, Done done) {
  Pending pending{batch.wire(), std::move(done)};
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) {
      queue_.push_back(std::move(pending));
      changed_.notify_all();
      return;
    }
  }
  // Nothing waits, and one thread at a time adds: this one may write.
  Outcome out;
  if (write_some(pending, out)) return pending.done(std::move(out));
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(pending));
  if (!thread_.joinable()) thread_ = start_thread("tailgate-stdout", [this] { run(); });
  changed_.notify_all();
}

void StdoutSink::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Pending& front = queue_.front();
    lock.unlock();
    Outcome out;
    const bool over = write_some(front, out);
    if (!over) {
      std::array<pollfd, 2> ready{{{writer_.fd(), POLLOUT, 0}, {wake_fd_, POLLIN, 0}}};
      ::poll(ready.data(), ready.size(), -1);
    } else {
      front.done(std::move(out));
    }
    lock.lock();
    if (!over) continue;
    // Not before: send() writes by itself once the queue is empty.
    queue_.pop_front();
    changed_.notify_all();
  }
}

void StdoutSink::stop(Tick deadline) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [this] { return queue_.empty(); });
  stopping_ = true;
  changed_.notify_all();
  lock.unlock();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t woken = ::write(wake_fd_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  for (Pending& left : queue_) {
    Outcome out;
    out.kind = Outcome::Kind::unknown;
    out.reason = "stdout: given up before all was written; whoever reads it does not read on";
    left.done(std::move(out));
  }
  queue_.clear();
}

namespace {

std::unique_ptr<Sink> make(const settings::Section& /*options*/, SinkContext /*context*/) {
  return std::make_unique<StdoutSink>(STDOUT_FILENO);
}

std::string probe(const settings::Section& /*options*/, SinkContext /*context*/) {
  if (::fcntl(STDOUT_FILENO, F_GETFD) == 0) return {};
  return "standard output is not open";
}

}  // namespace

extern const SinkEntry stdout_sink;
constinit const SinkEntry stdout_sink{
    .type = "stdout",
    .summary = "Standard output, one event per line.",
    .options = {},
    .traits = {.codec = "ndjson", .network = false},
    .make = make,
    .probe = probe,
};

}  // namespace tailgate::sinks
