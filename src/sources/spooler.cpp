// SPDX-License-Identifier: Apache-2.0
// What the thread waits for and reads. What it does with rows is in spooler_rows.cpp.
#include "sources/spooler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "base/thread.h"
#include "sources/spooler_times.h"

namespace tailgate::sources {
namespace {

constexpr std::size_t kReadBytes = std::size_t{128} << 10;
/// It may grow a thousandfold.
constexpr std::size_t kReadBytesOfGzip = std::size_t{16} << 10;

int new_event() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::runtime_error("no descriptor for the spool's eventfd");
  return fd;
}

void hear(int fd) {
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd, &ignored, sizeof ignored);
}

}  // namespace

std::string input_identity(int fd, std::uint64_t already_read) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return {};
  std::string boot;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
  std::string identity = fmt::format("{} {}:{}", boot, about.st_dev, about.st_ino);
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  if (S_ISREG(about.st_mode) && at >= 0)
    identity += fmt::format(" from {}", at - static_cast<off_t>(already_read));
  return identity;
}

Spooler::Spooler(int fd, SpoolRules rules, state::Spool::Opened opened,
                 const SourceContext& context)
    : fd_(fd),
      rules_(rules),
      context_(context),
      ready_fd_(new_event()),
      wake_fd_(new_event()),
      spool_(std::move(opened.spool)),
      raw_(kReadBytes) {
  start_input(std::move(opened.inputs));
  for (const state::Spool::SetAside& segment : opened.set_aside) {
    context_.counters->lost_bytes.add(segment.bytes);
    context_.log.error(
        "a segment of the spool is damaged at its head, or cannot be read, and is now {}: what "
        "waited in it ({} at most) is not sent and counts as lost",
        segment.path, human_bytes(segment.bytes));
  }
}

void Spooler::start(const std::map<std::int64_t, std::uint64_t>& settled) {
  for (const auto& [id, offset] : settled) {
    inputs_[id].begin = std::max(inputs_[id].begin, offset);
    settled_[id] = offset;
  }
  more_ = handed_on_ < spool_->last_row();
  thread_ = start_thread("spool", [this] { work(); });
}

Spooler::~Spooler() {
  stop();
  ::close(ready_fd_);
  ::close(wake_fd_);
}

// The pipe of the last run may still be open, then its last line goes on here. After a kill nobody knows what was read and
// not kept: what comes is then no part of that line, or two lines could become one that nobody wrote.
void Spooler::start_input(std::vector<state::SpoolInput> known) {
  const bool same = !known.empty() && !known.back().ended &&
                    known.back().identity == input_identity(fd_, known.back().end);
  const bool middle_of_gzip = same && known.back().inflated;
  // What the last run noted does not hold once more is read.
  const bool whole = same && known.back().complete && spool_->take_back_note().has_value();
  if (same && !middle_of_gzip && (!known.back().line_open || whole)) {
    current_ = known.back();
    at_start_ = false;
  } else {
    current_.id = known.empty() ? 1 : known.back().id + 1;
    current_.gen = Uuid::random();
    current_.source = context_.name;
    current_.identity = input_identity(fd_, 0);
    at_start_ = !same;
  }
  for (state::SpoolInput& input : known) inputs_[input.id] = std::move(input);
  note_input();
  if (middle_of_gzip)
    input_ends("it is in the middle of a gz whose beginning an earlier process has read");
}

void Spooler::tell(int fd) const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t wrote = ::write(fd, &one, sizeof one);
}

void Spooler::work() {
  while (!stopping_.load()) {
    if (lend_.exchange(false)) {
      spool_->lend();
      full_ = context_.clock->now() + kSpoolLend;
    }
    release(false);
    read_back();
    store(false);
    wait();
  }
  store(true);
  if (all_is_held()) spool_->note(state::SpoolSegment::Note::complete);
  release(true);
  if (pending_.empty()) return;
  context_.counters->lost_bytes.add(pending_.size());
  context_.log.error("{} bytes that were read could not be kept in the spool; they are lost",
                     pending_.size());
}

// And the next byte follows the last one held. Not behind a line that was passed over.
bool Spooler::all_is_held() {
  const std::lock_guard lock(mutex_);
  return pending_.empty() && !input_ended_ && inputs_[current_.id].line_open == current_.line_open;
}

int Spooler::patience(Tick now) const {
  std::optional<Tick> until;
  const auto at = [&](Tick tick) { until = until ? std::min(*until, tick) : tick; };
  if (unreadable_) at(*unreadable_ + kSpoolRetry);
  if (full_) {
    at(*full_ + kSpoolRetry);
  } else if (!pending_.empty()) {
    at(pending_since_ + kSpoolDelay);
  }
  {
    const std::lock_guard lock(mutex_);
    if (!settled_.empty()) at(released_ + kSpoolRelease);
  }
  if (!until) return -1;
  return static_cast<int>(
      std::max<Millis::rep>(std::chrono::ceil<Millis>(*until - now).count(), 0));
}

void Spooler::wait() {
  const bool waits = input_ended_ || line_.too_long || pending_.size() >= kSpoolRowBytes ||
                     (full_ && rules_.when_full == SpoolRules::WhenFull::block);
  std::array<pollfd, 2> events{pollfd{wake_fd_, POLLIN, 0}, pollfd{waits ? -1 : fd_, POLLIN, 0}};
  if (::poll(events.data(), events.size(), patience(context_.clock->now())) <= 0) return;
  if (events[0].revents != 0) hear(wake_fd_);
  if (events[1].revents != 0) read_input();
}

// As much as there is, up to a row, without waiting for more.
void Spooler::read_input() {
  pollfd more{fd_, POLLIN, 0};
  do {
    const std::size_t size = gunzip_ == nullptr && !at_start_ ? raw_.size() : kReadBytesOfGzip;
    const ssize_t got = ::read(fd_, raw_.data(), size);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got < 0) return input_ends(fmt::format("cannot read: {}", std::strerror(errno)));
    const std::string_view bytes(raw_.data(), static_cast<std::size_t>(got));
    if (at_start_ && looks_gzipped(bytes)) {
      gunzip_ = std::make_unique<Gunzip>();
      inflating_.store(true);
      current_.inflated = true;
    }
    at_start_ = false;
    Result<void> inflated;
    RawBytes text;
    if (gunzip_ != nullptr) inflated = got == 0 ? gunzip_->end() : gunzip_->feed(bytes, text);
    take_in(gunzip_ == nullptr ? bytes : std::string_view(text.data(), text.size()));
    if (!inflated.has_value()) return input_ends(inflated.error().what);
    if (got == 0) return input_ends("");
  } while (!line_.too_long && pending_.size() < kSpoolRowBytes && ::poll(&more, 1, 0) > 0);
}

void Spooler::take_in(std::string_view bytes) {
  if (dropping_line_) {
    const std::size_t end = bytes.find('\n');
    const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
    context_.counters->read_bytes.add(size);
    dropping_line_ = end == std::string_view::npos;
    bytes.remove_prefix(size);
  }
  if (line_.passing_over) pass_over(bytes);
  if (bytes.empty()) return;
  if (pending_.empty()) {
    pending_since_ = context_.clock->now();
    pending_read_at_ = context_.clock->wall();
  }
  pending_.append(bytes);
  const std::size_t newline = bytes.rfind('\n');
  line_.bytes =
      newline == std::string_view::npos ? line_.bytes + bytes.size() : bytes.size() - newline - 1;
  line_.too_long = line_.bytes > rules_.max_line_bytes + kSpoolRowBytes;
}

// What is kept of the line tells that it is too long; with the rest of it the spool could be full before its end comes.
void Spooler::pass_over(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t size = end == std::string_view::npos ? bytes.size() : end + 1;
  bytes.remove_prefix(size);
  current_.end += size;
  line_.begin();
  line_.passing_over = current_.line_open = end == std::string_view::npos;
}

void Spooler::input_ends(const std::string& trouble) {
  input_ended_ = true;
  inflating_.store(false);
  if (trouble.empty()) return;
  context_.log.error("stdin: {}; the rest is left", trouble);
  context_.counters->unread_inputs.add();
}

bool Spooler::ready() {
  hear(ready_fd_);
  const std::lock_guard lock(mutex_);
  return !queue_.empty();
}

std::optional<state::SpoolRow> Spooler::take() {
  std::optional<state::SpoolRow> row;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return row;
    row = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= row->bytes.size();
    if (!more_ || queued_bytes_ > kSpoolQueueBytes / 2) return row;
  }
  tell(wake_fd_);
  return row;
}

bool Spooler::finished() const {
  const std::lock_guard lock(mutex_);
  return stored_ && !more_ && queue_.empty();
}

bool Spooler::caught_up() const {
  const std::lock_guard lock(mutex_);
  return !more_ && queue_.empty();
}

void Spooler::settled(std::int64_t input, std::uint64_t offset) {
  {
    const std::lock_guard lock(mutex_);
    settled_[input] = offset;
  }
  tell(wake_fd_);
}

void Spooler::lend() {
  lend_.store(true);
  tell(wake_fd_);
}

std::vector<Uuid> Spooler::gone() {
  const std::lock_guard lock(mutex_);
  return std::exchange(gone_, {});
}

std::vector<state::SpoolInput> Spooler::inputs() const {
  const std::lock_guard lock(mutex_);
  std::vector<state::SpoolInput> all;
  for (const auto& [id, input] : inputs_) all.push_back(input);
  return all;
}

void Spooler::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true);
  tell(wake_fd_);
  thread_.join();
}

}  // namespace tailgate::sources
