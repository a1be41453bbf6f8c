// SPDX-License-Identifier: Apache-2.0
#include "core/batch.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tailgate {
namespace {

constexpr std::size_t kPerEvent = sizeof(BatchEvent) + 16;

}  // namespace

Batch::Batch(std::size_t sink, Framing framing, Credits& credits)
    : sink_(sink), framing_(framing), lease_(credits) {}

Batch::Batch(Batch&& other) noexcept
    : opened(other.opened),
      read_at(other.read_at),
      sink_(other.sink_),
      framing_(other.framing_),
      body_(std::move(other.body_)),
      notes_(std::move(other.notes_)),
      events_(std::exchange(other.events_, {})),
      chunks_(std::exchange(other.chunks_, {})),
      lease_(std::move(other.lease_)),
      mark_body_(other.mark_body_),
      mark_notes_(other.mark_notes_) {}

Batch& Batch::operator=(Batch&& other) noexcept {
  if (this == &other) return *this;
  forget_rest();
  give_back();
  opened = other.opened;
  read_at = other.read_at;
  sink_ = other.sink_;
  framing_ = other.framing_;
  body_ = std::move(other.body_);
  notes_ = std::move(other.notes_);
  events_ = std::exchange(other.events_, {});
  chunks_ = std::exchange(other.chunks_, {});
  lease_ = std::move(other.lease_);
  other.lease_.set(0);
  mark_body_ = other.mark_body_;
  mark_notes_ = other.mark_notes_;
  return *this;
}

Batch::~Batch() {
  forget_rest();
  give_back();
}

void Batch::give_back() {
  if (Credits* const credits = lease_.credits()) credits->spare_bodies().give(std::move(body_));
}

void Batch::forget_rest() {
  std::size_t forgotten = 0;
  for (const BatchEvent& event : events_) {
    if (event.settled) continue;
    event.chunk->forget(event.line);
    ++forgotten;
  }
  events_.clear();
  if (forgotten == 0) return;
#ifdef TAILGATE_STRICT
  std::fprintf(stderr, "tailgate: bug: %zu events were forgotten without being settled\n",
               forgotten);
  std::abort();
#endif
}

void Batch::reserve(const Room& room) {
  if (body_.empty()) body_ = lease_.credits()->spare_bodies().take(room.body);
  // A new one has more room: it is to fit the batches after this one too.
  if (body_.capacity() < room.body) body_.reserve(room.body + room.body / 8);
  notes_.reserve(room.notes);
  events_.reserve(room.events);
}

Batch::Room Batch::room() const {
  return {body_.size() + body_.size() / 32, notes_.size() + notes_.size() / 16, events_.size()};
}

Span Batch::note(std::string_view text) {
  const Span span{static_cast<std::uint32_t>(notes_.size()),
                  static_cast<std::uint32_t>(text.size())};
  notes_.append(text);
  return span;
}

void Batch::begin_event() {
  mark_body_ = body_.size();
  mark_notes_ = notes_.size();
  if (events_.empty()) {
    body_.push_back(framing_.open);
  } else {
    body_.back() = framing_.between;  // it was the closing byte
  }
}

void Batch::cancel_event() {
  if (events_.empty()) {
    body_.clear();
  } else {
    body_.resize(mark_body_);
    body_.back() = framing_.close;
  }
  notes_.resize(mark_notes_);
}

void Batch::end_event(const BatchEvent& event, const std::shared_ptr<Chunk>& chunk,
                      std::uint32_t line) {
  const std::size_t begin = events_.empty() ? 1 : mark_body_;
  BatchEvent& added = events_.emplace_back(event);
  added.body = {static_cast<std::uint32_t>(begin),
                static_cast<std::uint32_t>(body_.size() - begin)};
  added.chunk = chunk.get();
  added.line = line;
  body_.push_back(framing_.close);
  keep_alive(chunk);
}

void Batch::keep_alive(const std::shared_ptr<Chunk>& chunk) {
  if (chunks_.empty() || chunks_.back() != chunk) chunks_.push_back(chunk);
}

void Batch::account() {
  lease_.set(body_.capacity() + notes_.capacity() + events_.capacity() * kPerEvent);
}

std::string_view Batch::wire() const {
  const std::string_view body = body_;
  return framing_.send_open || body.empty() ? body : body.substr(1);
}

void Batch::copy_event(const Batch& from, const BatchEvent& event) {
  begin_event();
  body_.append(from.text(event));
  BatchEvent copy = event;
  for (Span BatchEvent::*span : {&BatchEvent::id, &BatchEvent::group, &BatchEvent::target,
                                 &BatchEvent::key, &BatchEvent::headers}) {
    copy.*span = note(from.note(event.*span));
  }
  const std::size_t begin = events_.empty() ? 1 : mark_body_;
  copy.body = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(body_.size() - begin)};
  body_.push_back(framing_.close);
  for (const auto& chunk : from.chunks_) {
    if (chunk.get() == event.chunk) {
      keep_alive(chunk);
      break;
    }
  }
  events_.push_back(copy);
}

Batch Batch::take(const std::vector<bool>& keep) {
  Batch taken(sink_, framing_, *lease_.credits());
  Batch left(sink_, framing_, *lease_.credits());
  for (Batch* part : {&taken, &left}) {
    part->opened = opened;
    part->read_at = read_at;
  }
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (events_[i].settled) continue;
    (keep[i] ? taken : left).copy_event(*this, events_[i]);
  }
  events_.clear();
  taken.account();
  left.account();
  *this = std::move(left);
  return taken;
}

Batch Batch::split_off(std::size_t at) {
  const bool settled_some = std::any_of(events_.begin(), events_.end(),
                                        [](const BatchEvent& event) { return event.settled; });
  // A small head is better copied than left in a large body.
  const bool small_head = at < events_.size() && events_[at].body.begin < body_.size() / 4;
  if (settled_some || small_head || at == 0 || at >= events_.size()) {
    std::vector<bool> keep(events_.size(), false);
    for (std::size_t i = at; i < keep.size(); ++i) keep[i] = true;
    return take(keep);
  }
  Batch tail(sink_, framing_, *lease_.credits());
  tail.opened = opened;
  tail.read_at = read_at;
  for (std::size_t i = at; i < events_.size(); ++i) tail.copy_event(*this, events_[i]);
  tail.account();
  events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(at), events_.end());
  const BatchEvent& last = events_.back();
  body_.resize(std::size_t{last.body.begin} + last.body.size);
  body_.push_back(framing_.close);
  while (chunks_.back().get() != last.chunk) chunks_.pop_back();
  return tail;
}

void Batch::settle(std::size_t event, Settled as) {
  BatchEvent& one = events_[event];
  if (one.settled) return;
  one.settled = true;
  one.chunk->settle(sink_, one.line, as);
}

void Batch::settle_all() {
  std::vector<std::uint32_t> lines;
  lines.reserve(events_.size());
  for (std::size_t i = 0; i < events_.size();) {
    Chunk* const chunk = events_[i].chunk;
    lines.clear();
    for (; i < events_.size() && events_[i].chunk == chunk; ++i) {
      if (events_[i].settled) continue;
      events_[i].settled = true;
      lines.push_back(events_[i].line);
    }
    if (!lines.empty()) chunk->settle(sink_, lines, Settled::delivered);
  }
}

void Batch::abandon() {
  events_.clear();
}

}  // namespace tailgate
