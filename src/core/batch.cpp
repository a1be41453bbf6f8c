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

BatchEvent& Batch::begin_event(const std::shared_ptr<Chunk>& chunk, std::uint32_t line) {
  mark_notes_ = notes_.size();
  if (events_.empty()) {
    body_.push_back(framing_.open);
  } else {
    body_.back() = framing_.between;  // it was the closing byte
  }
  keep_alive(chunk);
  BatchEvent& event = events_.emplace_back();
  event.body.begin = static_cast<std::uint32_t>(body_.size());
  event.chunk = chunk.get();
  event.line = line;
  return event;
}

void Batch::end_event() {
  Span& body = events_.back().body;
  body.size = static_cast<std::uint32_t>(body_.size() - body.begin);
  body_.push_back(framing_.close);
}

void Batch::cancel_event() {
  const std::size_t begin = events_.back().body.begin;
  events_.pop_back();
  notes_.resize(mark_notes_);
  if (events_.empty()) {
    body_.clear();
    chunks_.clear();
    return;
  }
  body_.resize(begin);
  body_.back() = framing_.close;
  if (chunks_.back().get() != events_.back().chunk) chunks_.pop_back();
}

void Batch::account() {
  lease_.set(body_.capacity() + notes_.capacity() + events_.capacity() * kPerEvent);
}

void Batch::copy_event(const Batch& from, const BatchEvent& event) {
  const auto chunk =
      std::find_if(from.chunks_.begin(), from.chunks_.end(),
                   [&](const std::shared_ptr<Chunk>& one) { return one.get() == event.chunk; });
  BatchEvent& copy = begin_event(*chunk, event.line);
  const Span body = copy.body;
  copy = event;
  copy.body = body;
  body_.append(from.text(event));
  for (Span BatchEvent::*span : {&BatchEvent::id, &BatchEvent::group, &BatchEvent::target,
                                 &BatchEvent::key, &BatchEvent::headers}) {
    copy.*span = note(from.note(event.*span));
  }
  end_event();
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
