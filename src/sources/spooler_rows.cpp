// SPDX-License-Identifier: Apache-2.0
// Rows into the spool, out of it, and away.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/handle.h"
#include "sources/spooler.h"
#include "sources/spooler_times.h"

namespace tailgate::sources {
namespace {

// Lines that end in `bytes`; empty ones are none. `open`: the first byte is inside a line.
std::uint64_t count_lines(std::string_view bytes, bool open) {
  std::uint64_t lines = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) break;
    const std::string_view text = bytes.substr(at, end - at);
    if (open || (!text.empty() && text != "\r")) ++lines;
    open = false;
    at = end + 1;
  }
  return lines;
}

}  // namespace

// Whole lines together; a piece of one only when there is nothing else for too long.
void Spooler::store(bool last_chance) {
  const Tick now = context_.clock->now();
  const bool all = last_chance || input_ended_ || line_.too_long;
  if (!all && pending_.size() < kSpoolRowBytes && now - pending_since_ < kSpoolDelay) return;
  if (full_ && !last_chance && now - *full_ < kSpoolRetry) {
    if (rules_.when_full != SpoolRules::WhenFull::block) drop_pending();
    return;
  }
  if (pending_.empty()) full_.reset();  // nothing waits for room, and stdin is read again
  bool first = true;
  while (!pending_.empty()) {
    const std::size_t most = std::min(pending_.size(), kSpoolRowBytes);
    const std::size_t newline = std::string_view(pending_).substr(0, most).rfind('\n');
    if (!all && !first && newline == std::string::npos && pending_.size() < kSpoolRowBytes) {
      pending_since_ = now;
      pending_read_at_ = context_.clock->wall();
      return;
    }
    first = false;
    if (!store_row(newline == std::string::npos ? most : newline + 1, last_chance)) return;
  }
  if (std::exchange(line_.too_long, false)) line_.passing_over = true;
  if (!input_ended_) return;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stored_, true)) return;
    // Settled before it was at its end: there is still the rest of it to delete.
    const state::SpoolInput& known = inputs_[current_.id];
    if (known.begin >= known.end) settled_[current_.id] = known.end;
  }
  // Not needed for what follows: the next start finds the end of the input again.
  spool_->note(state::SpoolSegment::Note::ended);
  tell(ready_fd_);
}

bool Spooler::store_row(std::size_t size, bool last_chance) {
  state::SpoolRow row;
  row.id = spool_->last_row() + 1;
  row.input = current_.id;
  row.gen = current_.gen;
  row.offset = current_.end;
  row.length = size;
  row.read_at = pending_read_at_;
  row.bytes.assign(pending_, 0, size);
  row.lines = count_lines(row.bytes, current_.line_open);
  Result<void> done = spool_->append(current_, row, last_chance);
  while (!done) {
    const Room room = make_room(size, done.error().what);
    if (room == Room::none) return false;
    if (room == Room::dropped_pending) return !pending_.empty();  // what is left is a row anew
    row.id = spool_->last_row() + 1;
    done = spool_->append(current_, row, last_chance);
  }
  if (full_) say_room();
  pending_.erase(0, size);
  current_.end += size;
  current_.line_open = row.bytes.back() != '\n';
  note_input();
  const std::unique_lock lock(mutex_);
  if (handed_on_ + 1 == row.id && queued_bytes_ < kSpoolQueueBytes) {
    hand_on(std::move(row));
  } else {
    more_ = true;
    if (queued_bytes_ < kSpoolQueueBytes) tell(wake_fd_);
  }
  return true;
}

// After a failed attempt. Lines are dropped for want of space alone.
Spooler::Room Spooler::make_room(std::uint64_t bytes, const std::string& why) {
  using WhenFull = SpoolRules::WhenFull;
  const Tick now = context_.clock->now();
  const WhenFull then = spool_->lacks_space() ? rules_.when_full : WhenFull::block;
  if (!full_ && now - said_full_ >= kSpoolSay) {
    constexpr const char* kThen[] = {"stdin waits until there is room",
                                     "the newest lines are dropped until there is room",
                                     "the oldest lines are dropped"};
    context_.log.warn("{}; {}", why, kThen[static_cast<std::size_t>(then)]);
    said_full_ = now;
  }
  full_ = now;
  if (then == WhenFull::block || stopping_.load()) return Room::none;
  if (then == WhenFull::drop_oldest) {
    const auto dropped = spool_->drop_oldest(handed_on_, bytes);
    if (dropped && dropped->bytes > 0) {
      count_dropped(dropped->lines, dropped->bytes);
      return Room::made;
    }
  }
  return drop_pending() ? Room::dropped_pending : Room::none;
}

// While the oldest lines make room, there is room each time and none the next.
void Spooler::say_room() {
  full_.reset();
  const bool drops = rules_.when_full == SpoolRules::WhenFull::drop_oldest;
  if (drops && context_.clock->now() - said_full_ < kSpoolSay) return;
  context_.log.info(
      "the spool has room again{}",
      dropped_while_full_ == 0 ? "" : fmt::format("; {} lines were dropped", dropped_while_full_));
  dropped_while_full_ = 0;
}

// Whole lines only: what continues a line in the spool stays, and so does the beginning of the next one.
bool Spooler::drop_pending() {
  const std::size_t first = current_.line_open ? pending_.find('\n') : 0;
  if (first == std::string::npos) return false;
  const std::size_t begin = current_.line_open ? first + 1 : 0;
  const std::size_t newline = pending_.rfind('\n');
  const std::size_t end = newline == std::string::npos ? begin : std::max(newline + 1, begin);
  const std::size_t rest = pending_.size() - end;
  const bool rest_goes = rest > 0 && (input_ended_ || rest >= kSpoolRowBytes);
  const std::size_t size = end - begin + (rest_goes ? rest : 0);
  if (size == 0) return false;
  count_dropped(count_lines(std::string_view(pending_).substr(begin, end - begin), false) +
                    (rest_goes ? 1 : 0),
                size);
  dropping_line_ = rest_goes && !input_ended_;
  if (dropping_line_) line_.begin();
  pending_.erase(begin, size);
  return true;
}

void Spooler::count_dropped(std::uint64_t lines, std::uint64_t bytes) {
  context_.counters->read_lines.add(lines);
  context_.counters->read_bytes.add(bytes);
  context_.counters->filtered_spool_full.add(lines);
  dropped_.fetch_add(lines);
  dropped_while_full_ += lines;
}

void Spooler::read_back() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      more_ = handed_on_ < spool_->last_row();
      if (!more_) settle_empty();
      if (!more_ || queued_bytes_ >= kSpoolQueueBytes) break;
    }
    auto row = spool_->next(handed_on_);
    if (!row) {
      if (!unreadable_) context_.log.error("{}; trying again", row.error().what);
      unreadable_ = context_.clock->now();
      break;
    }
    unreadable_.reset();
    if (!*row) {  // dropped, all that was left
      handed_on_ = spool_->last_row();
      continue;
    }
    if (was_settled(**row)) continue;
    if ((*row)->damaged) {
      handed_on_ = (*row)->id;
      report_damaged(**row);
      continue;
    }
    const std::lock_guard lock(mutex_);
    look_for_gap(**row);
    hand_on(std::move(**row));
  }
  tell(ready_fd_);
}

// In an earlier run; its segment holds others that were not. Or it stands there twice, as its first writing had failed.
bool Spooler::was_settled(const state::SpoolRow& row) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t handed = row.input == handed_input_ ? handed_end_ : 0;
  if (row.offset + row.length > std::max(inputs_[row.input].begin, handed)) return false;
  handed_on_ = row.id;
  handed_input_ = row.input;
  handed_end_ = row.offset + row.length;
  return true;
}

// Of which nothing is left but the name, or damage. Known only when every row was seen.
void Spooler::settle_empty() {
  for (const auto& [id, input] : inputs_) {
    const bool nothing = input.begin >= input.end || !handed_.contains(id);
    if (id != current_.id && nothing) settled_[id] = input.end;
  }
}

// Damage may hide a row altogether. What was dropped, or passed over, leaves gaps between segments alone.
void Spooler::look_for_gap(const state::SpoolRow& row) {
  const std::uint64_t from = row.input == handed_input_ ? handed_end_ : inputs_[row.input].begin;
  std::uint64_t gap = row.offset > from ? row.offset - from : 0;
  gap -= std::min(gap, std::exchange(damaged_bytes_, 0));
  if (gap == 0 || row.after_gap) return;
  context_.counters->lost_bytes.add(gap);
  context_.log.error(
      "the spool: {} bytes before {} of generation {} are not there any more and count as lost",
      gap, row.offset, row.gen.text());
}

void Spooler::report_damaged(const state::SpoolRow& row) {
  const std::string kept =
      fmt::format("{}/spool.damaged-{}-{}", context_.data_dir, row.gen.text(), row.offset);
  const Handle file(::open(kept.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const bool wrote = file.valid() && write_all(file.fd(), row.bytes);
  context_.counters->lost_bytes.add(row.length);
  damaged_bytes_ += row.length;
  context_.log.error(
      "the spool: a row is damaged: {} bytes at {} of generation {} are not sent "
      "and count as lost; {}",
      row.length, row.offset, row.gen.text(),
      wrote ? "as they are now they are kept in " + kept : "they could not be kept");
}

void Spooler::hand_on(state::SpoolRow row) {
  handed_on_ = row.id;
  handed_input_ = row.input;
  handed_end_ = row.offset + row.bytes.size();
  handed_.insert(row.input);
  state::SpoolInput& input = inputs_[row.input];
  input.end = std::max(input.end, handed_end_);
  queued_bytes_ += row.bytes.size();
  queue_.push_back(std::move(row));
  tell(ready_fd_);
}

void Spooler::note_input() {
  const std::lock_guard lock(mutex_);
  state::SpoolInput& known = inputs_[current_.id];
  current_.begin = std::max(known.begin, current_.begin);
  known = current_;
}

void Spooler::release(bool at_once) {
  std::map<std::int64_t, std::uint64_t> settled;
  {
    const std::lock_guard lock(mutex_);
    std::uint64_t bytes = 0;
    std::erase_if(settled_, [&](const auto& entry) { return !inputs_.contains(entry.first); });
    for (const auto& [id, offset] : settled_) bytes += offset - std::min(offset, inputs_[id].begin);
    const bool due = at_once || full_ || bytes >= kSpoolReleaseBytes ||
                     context_.clock->now() - released_ >= kSpoolRelease;
    if (!due || settled_.empty()) return;
    settled.swap(settled_);
  }
  released_ = context_.clock->now();
  for (const auto& [id, offset] : settled) {
    if (release_one(id, offset)) continue;
    const std::lock_guard lock(mutex_);
    settled_.emplace(id, offset);
  }
}

bool Spooler::release_one(std::int64_t id, std::uint64_t offset) {
  bool whole = false;
  {
    const std::lock_guard lock(mutex_);
    const bool seen = id < handed_input_ || !more_;
    whole = seen && offset >= inputs_[id].end && (id != current_.id || stored_);
  }
  if (const Result<void> done = spool_->release(id, offset, whole); !done) {
    if (!std::exchange(undeleted_, true))
      context_.log.error("{}; what is settled stays in the spool, trying again", done.error().what);
    return false;
  }
  undeleted_ = false;
  const std::lock_guard lock(mutex_);
  inputs_[id].begin = std::max(inputs_[id].begin, offset);
  if (!whole) return true;
  gone_.push_back(inputs_[id].gen);
  inputs_.erase(id);
  handed_.erase(id);
  return true;
}

}  // namespace tailgate::sources
