// SPDX-License-Identifier: Apache-2.0
#include "sources/file_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "json/parse.h"
#include "sources/fingerprint.h"

namespace tailgate::sources {
namespace {

/// Ends of reads that are remembered; beyond, every second one is dropped.
constexpr std::size_t kMaxMarks = 256;
constexpr std::size_t kLookAhead = std::size_t{64} << 10;

std::string_view last(std::string_view bytes, std::size_t count) {
  return bytes.substr(bytes.size() - std::min(bytes.size(), count));
}

bool same_head(int other, std::uint64_t shared, std::string_view head) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(shared, kHeadBytes));
  return bytes_at(other, 0, size) == head.substr(0, size);
}

}  // namespace

FileStream::FileStream(Handle handle, Found found, std::shared_ptr<Stream> stream, Tick now)
    : file(std::move(found)),
      opened(now),
      last_data(now),
      handle_(std::move(handle)),
      stream_(std::move(stream)),
      size_(file.size) {
  start();
}

void FileStream::start() {
  position_ = {};
  position_.line = position_.scan = stream_->end_offset();
  const auto head = std::min<std::uint64_t>(position_.scan, kHeadBytes);
  head_ = bytes_at(fd(), 0, static_cast<std::size_t>(head));
  const auto tail = std::min<std::uint64_t>(position_.scan, kTailBytes);
  tail_ = bytes_at(fd(), position_.scan - tail, static_cast<std::size_t>(tail));
  first_ = position_.scan == 0 ? bytes_at(fd(), 0, kHeadBytes) : std::string();
  truncated_ = false;
  known_ = {};
  take_fingerprint();
  settled_in_record_ = settled_on_disk_ = position_.scan;
  marks_.clear();
}

void FileStream::remember(const state::Checkpoint& record) {
  if (record.fingerprint.offset > known_.offset) known_ = record.fingerprint;
  committed = true;
}

FileStream::Read FileStream::fill(std::size_t max_bytes, ReadSpace& space, std::size_t& have) {
  const std::size_t wanted = tail_.size() + max_bytes;
  if (space.bytes.size() < wanted + json::kPadding) space.bytes.resize(wanted + json::kPadding);
  while (have < wanted) {
    const ssize_t got = pread(fd(), space.bytes.data() + have, wanted - have,
                              static_cast<off_t>(position_.scan - tail_.size() + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Read::failed;
    if (got == 0) {
      pending = false;
      break;
    }
    have += static_cast<std::size_t>(got);
  }
  // What stands before the place, or, at the beginning, what the last look saw.
  const std::string_view seen =
      position_.scan > 0 ? tail_
                         : std::string_view(first_).substr(0, std::min(first_.size(), wanted));
  if (!std::string_view(space.bytes.data(), have).starts_with(seen)) return Read::truncated;
  return have == tail_.size() ? Read::nothing : Read::lines;
}

FileStream::Read FileStream::read(std::size_t max_bytes, CutRules rules, ReadSpace& space,
                                  Tick now) {
  chunk_.reset();
  rules.hold = !held_.over(now);
  std::size_t have = 0;
  std::size_t size = max_bytes;
  for (;;) {
    const Read filled = fill(size, space, have);
    if (filled == Read::truncated || filled == Read::failed) return filled;
    const std::string_view known(space.bytes.data(), have);
    const CutPosition before = position_;
    rules.at_end = last_line_ends && !pending;
    cut_lines(known.substr(tail_.size()), rules, position_, space.cut);
    const auto consumed = static_cast<std::size_t>(position_.scan - before.scan);
    if (consumed == 0 && pending) {
      // One line fills all that was read: more of it, at most up to the limit, where the cutter
      // gives it up.
      size += std::max(max_bytes, kTailBytes);
      rules.searched = space.cut.held ? 0 : have - tail_.size();
      continue;
    }
    held_.note(space.cut.held, consumed > 0, now);
    size_ = std::max(size_, before.scan + have - tail_.size());
    if (have > tail_.size()) last_data = now;
    remember_bytes(known.substr(tail_.size(), consumed), known.substr(0, tail_.size() + consumed),
                   now);
    if (!space.cut.lines.empty()) {
      chunk_ = stream_->add_chunk(std::move(space.cut.offsets));
      return Read::lines;
    }
    // In the middle of a line too long: more at the next call, so that nobody else waits for its
    // end.
    return Read::nothing;
  }
}

void FileStream::remember_bytes(std::string_view consumed, std::string_view known, Tick now) {
  if (consumed.empty()) return;
  // Noted while it was empty, it would be known again in whatever has its inode.
  dirty = dirty || head_.empty();
  if (head_.size() < kHeadBytes) head_.append(consumed.substr(0, kHeadBytes - head_.size()));
  if (!marks_.empty() ? marks_.back().offset < position_.line : true) add_mark(now);
  tail_ = last(known, kTailBytes);
}

void FileStream::add_mark(Tick now) {
  marks_.push_back({position_.line, now});
  if (marks_.size() <= kMaxMarks) return;
  std::deque<Mark> fewer;
  for (std::size_t i = 0; i < marks_.size(); ++i) {
    if (i % 2 == 0 || i + 1 == marks_.size()) fewer.push_back(marks_[i]);
  }
  marks_ = std::move(fewer);
}

bool FileStream::look(Tick now) {
  struct stat found {};
  if (fstat(fd(), &found) != 0) return false;
  deleted = found.st_nlink == 0;
  const auto size = static_cast<std::uint64_t>(found.st_size);
  const std::int64_t modified = static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 +
                                static_cast<std::int64_t>(found.st_mtim.tv_nsec);
  const bool same = size == size_ && modified == modified_;
  if (!same || held_.over(now)) pending = true;
  // A truncated file keeps the size it had until that was dealt with, also when it grew again: that is what may be lost.
  if (!same && holds_what_was_seen(size)) size_ = size;
  modified_ = modified;
  file.size = size;
  if (unread() == 0) {
    waiting_since_.reset();
  } else if (!waiting_since_) {
    waiting_since_ = now;
  }
  return same;
}

// Looks at the first bytes and at those before the place where reading goes on.
bool FileStream::holds_what_was_seen(std::uint64_t size) {
  truncated_ = size < position_.scan ||
               bytes_at(fd(), position_.scan - tail_.size(), tail_.size()) != tail_ ||
               bytes_at(fd(), 0, head_.size()) != head_;
  if (truncated_ || position_.scan > 0) return !truncated_;
  std::string first = bytes_at(fd(), 0, kHeadBytes);
  truncated_ = !first.starts_with(first_);
  // Noted while it was empty, it would be known again in whatever has its inode.
  noted_empty = noted_empty || (!truncated_ && first_.empty() && !first.empty());
  dirty = dirty || noted_empty;
  if (!truncated_) first_ = std::move(first);
  return !truncated_;
}

void FileStream::begin_anew(std::shared_ptr<Stream> stream, Tick now) {
  if (position_.scan > 0 || !first_.empty()) {
    former_head_ = position_.scan > 0 ? head_ : first_;
    former_scan_ = std::max<std::uint64_t>(position_.scan, first_.size());
  }
  stream_ = std::move(stream);
  start();
  held_.reset();
  punched_ = 0;
  skipped_ = {};
  ranges_full_ = false;
  size_ = position_.scan;
  saved_version = 0;
  committed = false;
  moved = noted_empty = false;
  pending = true;
  last_line_ends = false;
  opened = now;
}

void FileStream::read_after(const std::shared_ptr<FileStream>& before) {
  for (auto one = before; one != nullptr; one = one->predecessor.lock()) {
    if (one.get() == this) return;
  }
  predecessor = before;
  predecessor_until.reset();
}

void FileStream::rewind() {
  stream_ = std::make_shared<Stream>(stream_->gen(), stream_->source(), stream_->path(),
                                     stream_->positions());
  const state::Fingerprint known = known_;
  start();
  known_ = known;
  ranges_full_ = false;
  saved_version = 0;
  pending = true;
}

void FileStream::continue_in(FileStream& copy) const {
  copy.stream_ = stream_;
  copy.position_ = position_;
  copy.head_ = head_;
  copy.first_ = first_;
  copy.tail_ = tail_;
  copy.marks_ = marks_;
  copy.known_ = known_;
  copy.settled_in_record_ = settled_in_record_;
  copy.settled_on_disk_ = settled_on_disk_;
  copy.committed = committed;
  copy.moved = true;
  copy.dirty = true;
  copy.pending = true;
}

std::uint64_t FileStream::skip_unread(std::uint64_t bytes) {
  // Where the next line begins behind what shall go.
  std::uint64_t end = position_.scan + std::min(bytes, unread());
  for (bool found = false; !found && end < size_;) {
    const std::string ahead = bytes_at(fd(), end, kLookAhead);
    const std::size_t newline = ahead.find('\n');
    found = newline != std::string::npos;
    end += found ? newline + 1 : ahead.size();
    if (ahead.empty()) break;
  }
  if (end <= position_.scan) return 0;
  const std::uint64_t skipped = end - position_.scan;
  if (skipped_.end != stream_->end_offset()) skipped_ = {.begin = stream_->end_offset()};
  skipped_.end = end;
  stream_->skip(end);
  position_ = {.line = end, .scan = end, .too_long = false};
  head_ = bytes_at(fd(), 0, static_cast<std::size_t>(std::min<std::uint64_t>(end, kHeadBytes)));
  const auto tail = std::min<std::uint64_t>(end, kTailBytes);
  tail_ = bytes_at(fd(), end - tail, static_cast<std::size_t>(tail));
  return skipped;
}

int FileStream::punch_settled() {
  const int error = punch(0, settled_on_disk_, punched_);
  // What was skipped lies behind lines that wait in memory.
  return error != 0 ? error : punch(skipped_.begin, skipped_.end, skipped_.punched);
}

// Frees [begin, end) but for the bytes that fingerprints need, beginning where the last call ended.
int FileStream::punch(std::uint64_t from, std::uint64_t to, std::uint64_t& punched) {
  constexpr std::uint64_t kBlock = 4096;
  constexpr std::uint64_t kWorthIt = std::uint64_t{1} << 20;
  if (to < kTailBytes) return 0;
  const std::uint64_t begin = std::max({punched, kBlock, (from + kBlock - 1) / kBlock * kBlock});
  const std::uint64_t end = (to - kTailBytes) / kBlock * kBlock;
  if (end < begin + kWorthIt) return 0;
  // Not if it was truncated meanwhile and holds other bytes by now.
  if (bytes_at(fd(), position_.scan - tail_.size(), tail_.size()) != tail_) return 0;
  const Handle writable(
      open(fmt::format("/proc/self/fd/{}", fd()).c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!writable.valid()) return errno;
  if (fallocate(writable.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                static_cast<off_t>(begin), static_cast<off_t>(end - begin)) != 0)
    return errno;
  punched = end;
  return 0;
}

bool FileStream::copied_in(int other, bool whole) const {
  struct stat found {};
  if (fstat(other, &found) != 0 || found.st_size == 0) return false;
  if (position_.scan == 0) {
    const auto size =
        std::min<std::uint64_t>(first_.size(), static_cast<std::uint64_t>(found.st_size));
    return size > 0 && (!whole || size == first_.size()) && same_head(other, size, first_);
  }
  const std::uint64_t shared = std::min(position_.scan, static_cast<std::uint64_t>(found.st_size));
  if (whole && shared < position_.scan) return false;
  if (!same_head(other, shared, head_)) return false;
  const auto tail = std::min<std::uint64_t>(shared, kTailBytes);
  const std::string theirs = bytes_at(other, shared - tail, static_cast<std::size_t>(tail));
  if (shared == position_.scan) return theirs == tail_;
  const std::string own = bytes_at(fd(), shared - tail, static_cast<std::size_t>(tail));
  // Shorter by now: truncated, so the head must do.
  return own.size() < tail || own == theirs;
}

bool FileStream::formerly_in(int other) const {
  struct stat found {};
  if (former_head_.empty() || fstat(other, &found) != 0 || found.st_size == 0) return false;
  const auto size = static_cast<std::uint64_t>(found.st_size);
  return size <= former_scan_ && same_head(other, size, former_head_);
}

std::uint64_t FileStream::unsettled() const {
  return stream_->unsettled_before(size_);
}

bool FileStream::window_open() const {
  return !ranges_full_ && position_.line - stream_->settled_offset() <= kWindowBytes;
}

Millis FileStream::lag(Tick now) const {
  const std::uint64_t settled = stream_->settled_offset();
  for (const Mark& mark : marks_) {
    if (mark.offset > settled) return std::chrono::duration_cast<Millis>(now - mark.read_at);
  }
  if (waiting_since_) return std::chrono::duration_cast<Millis>(now - *waiting_since_);
  return Millis{0};
}

void FileStream::take_fingerprint() {
  if (position_.scan < known_.offset) return;
  if (position_.scan > 0) {
    known_ = {position_.scan, head_.size(), digest(head_), tail_.size(), digest(tail_)};
    return;
  }
  // Saved before the first line leaves: should the process end now, the file must be known again all the same.
  const std::string_view tail = last(first_, kTailBytes);
  known_ = {first_.size(), first_.size(), digest(first_), tail.size(), digest(tail)};
}

state::Checkpoint FileStream::checkpoint(const std::vector<std::string>& sinks) {
  const std::vector<SinkPosition> positions = stream_->positions();
  std::uint64_t settled = stream_->end_offset();
  state::Checkpoint record;
  ranges_full_ = false;
  for (std::size_t i = 0; i < positions.size() && i < sinks.size(); ++i) {
    settled = std::min(settled, positions[i].offset);
    ranges_full_ = ranges_full_ || state::ranges_full(positions[i]);
    record.positions.emplace_back(sinks[i], positions[i]);
  }
  while (!marks_.empty() && marks_.front().offset <= settled) marks_.pop_front();
  settled_in_record_ = settled;
  take_fingerprint();
  record.gen = stream_->gen();
  record.source = stream_->source();
  record.path = orphan ? stream_->path() : file.path;
  const Identity& identity = kept_at.empty() ? file.identity : kept_as;
  record.device = identity.device;
  record.inode = identity.inode;
  record.size = size_;
  record.fingerprint = known_;
  return record;
}

}  // namespace tailgate::sources
