// SPDX-License-Identifier: Apache-2.0
// The lane's loop: what is sent when. What outcomes mean is in sender_outcome.cpp.
#include "pipeline/sender.h"

#include <algorithm>
#include <random>
#include <utility>

#include "pipeline/sender_mailbox.h"

namespace tailgate::pipeline {
namespace {

constexpr Millis kLongWait{60'000};
constexpr Millis kStallCheck{1'000};
constexpr Millis kBurialRetry{1'000};
constexpr Millis kFreshEvidence{60'000};

}  // namespace

Sender::Sender(SenderRules rules, Sink& sink, Buffer& buffer, DeadLetters& dead_letters,
               metrics::SinkCounters& counters, const Clock& clock, Log log,
               std::function<void()> wake)
    : rules_(std::move(rules)),
      sink_(sink),
      buffer_(buffer),
      dead_letters_(dead_letters),
      counters_(counters),
      clock_(clock),
      log_(std::move(log)),
      since_(clock.now()),
      limit_(rules_.max_in_flight),
      backoff_(rules_.retry.initial, rules_.retry.max, std::random_device{}()),
      mailbox_(std::make_shared<Mailbox>(std::move(wake))) {
  counters_.up.set(1);
}

Sender::~Sender() {
  for (WorkPtr& work : waiting_) work->batch.abandon();
  for (auto& [id, work] : flying_) work->batch.abandon();
  for (Burial& burial : burials_) burial.work->batch.abandon();
}

Tick Sender::step() {
  const Tick now = clock_.now();
  receive(now);
  if (burials_done(now)) {
    while (may_send(now)) {
      WorkPtr work = next(now);
      if (work == nullptr) break;
      send(std::move(work), now);
    }
  }
  if (closed_ && discard_.load()) drop_all();
  publish();
  return next_call(now);
}

// Nobody reads the rest: dropped, and counted as that.
void Sender::drop_all() {
  while (WorkPtr work = waiting_.empty() ? nullptr : std::move(waiting_.front())) {
    waiting_.pop_front();
    drop(work->batch);
  }
  while (std::optional<Batch> batch = buffer_.pop()) drop(*batch);
}

void Sender::drop(Batch& batch) {
  for (std::size_t event = 0; event < batch.size(); ++event) batch.settle(event, Settled::dropped);
  counters_.dropped_closed.add(batch.size());
}

void Sender::receive(Tick now) {
  for (auto& [id, outcome] : mailbox_->take()) {
    const auto found = flying_.find(id);
    if (found == flying_.end()) continue;
    WorkPtr work = std::move(found->second);
    flying_.erase(found);
    handle(std::move(work), std::move(outcome), now);
  }
  if (rules_.self_retrying) {
    auto stalled = sink_.stalled();
    if (now < held_until_) stalled = reason_;
    if (stalled && state_ == LaneStatus::State::up) {
      log_.warn("nothing moves: {}; its events wait, the sink tries again by itself", *stalled);
    }
    if (!stalled && state_ != LaneStatus::State::up) log_.info("moves again");
    const auto state = stalled ? LaneStatus::State::down : LaneStatus::State::up;
    if (state != state_) since_ = now;
    state_ = state;
    if (stalled) reason_ = *stalled;
  }
}

bool Sender::may_send(Tick now) const {
  if (closed_ || !burials_.empty() || now < held_until_) return false;
  if (rules_.self_retrying) return true;
  if (rules_.strict && !flying_.empty()) return false;
  switch (state_) {
    case LaneStatus::State::up:
      return flying_.size() < limit_;
    case LaneStatus::State::down:
      return now >= down_until_ && flying_.empty();
    case LaneStatus::State::probing:
      return false;
  }
  return false;
}

Sender::WorkPtr Sender::next(Tick now) {
  for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
    if ((*at)->not_before <= now && (!(*at)->suspected || has_evidence(now))) {
      WorkPtr work = std::move(*at);
      waiting_.erase(at);
      return work;
    }
    if (rules_.strict) return nullptr;  // nothing newer leaves before older is settled
  }
  std::optional<Batch> batch = buffer_.pop();
  if (!batch) return next_suspect(now);
  auto work = std::make_unique<Work>(std::move(*batch));
  work->order = next_order_++;
  return work;
}

bool Sender::has_evidence(Tick now) const {
  return last_delivery_ && now - *last_delivery_ < kFreshEvidence;
}

Sender::WorkPtr Sender::next_suspect(Tick now) {
  const auto due = std::find_if(waiting_.begin(), waiting_.end(),
                                [now](const WorkPtr& work) { return work->not_before <= now; });
  if (due == waiting_.end()) return nullptr;
  WorkPtr work = std::move(*due);
  waiting_.erase(due);
  return work;
}

// Splits to what the other side is known to accept; the rest waits in front.
Sender::WorkPtr Sender::fit(WorkPtr work, Tick now) {
  if (refused_bytes_ == 0 || accepted_bytes_ == 0) return work;
  std::size_t allowed = accepted_bytes_;
  if (now >= limit_probe_) {
    limit_probe_ = now + kLimitProbe;
    allowed += allowed / 10;  // the limit may have been raised
  }
  if (work->batch.wire().size() <= allowed || work->batch.size() == 1) return work;
  std::size_t fits = 0;
  const auto& events = work->batch.events();
  while (fits < events.size() && events[fits].body.begin + events[fits].body.size + 1 <= allowed)
    ++fits;
  fits = std::max<std::size_t>(fits, 1);
  if (fits == events.size()) return work;
  auto rest = std::make_unique<Work>(work->batch.split_off(fits));
  rest->order = work->order;
  rest->tries = work->tries;
  rest->not_before = work->not_before;
  if (!work->seen.empty()) {
    rest->seen.assign(work->seen.begin() + static_cast<std::ptrdiff_t>(fits), work->seen.end());
    work->seen.resize(fits);
  }
  counters_.splits.add();
  waiting_.push_front(std::move(rest));
  return work;
}

void Sender::send(WorkPtr work, Tick now) {
  work = fit(std::move(work), now);
  if (!rules_.self_retrying && state_ == LaneStatus::State::down) {
    state_ = LaneStatus::State::probing;
  }
  ++work->tries;
  counters_.attempts.add();
  counters_.sent.add(work->batch.size());
  counters_.sent_bytes.add(work->batch.wire().size());
  if (work->tries > 1) counters_.retries.add();
  const std::uint64_t id = next_id_++;
  const Batch& batch = work->batch;
  flying_.emplace(id, std::move(work));
  sink_.send(batch,
             [mailbox = mailbox_, id](Outcome outcome) { mailbox->put(id, std::move(outcome)); });
}

void Sender::requeue(WorkPtr work, Tick not_before) {
  work->not_before = not_before;
  const auto behind = std::find_if(waiting_.begin(), waiting_.end(), [&](const WorkPtr& other) {
    return other->order >= work->order;
  });
  waiting_.insert(behind, std::move(work));
}

void Sender::halve(WorkPtr work, Tick not_before) {
  const std::size_t middle = work->batch.size() / 2;
  auto tail = std::make_unique<Work>(work->batch.split_off(middle));
  tail->order = work->order;
  tail->tries = work->tries;
  if (!work->seen.empty()) {
    tail->seen.assign(work->seen.begin() + static_cast<std::ptrdiff_t>(middle), work->seen.end());
    work->seen.resize(middle);
  }
  requeue(std::move(tail), not_before);
  requeue(std::move(work), not_before);
}

bool Sender::burials_done(Tick now) {
  if (burials_.empty()) return true;
  if (now < burial_retry_) return false;
  while (!burials_.empty()) {
    Burial burial = std::move(burials_.front());
    burials_.pop_front();
    const std::size_t left = burials_.size();
    bury(std::move(burial.work), std::move(burial.events), std::move(burial.lines));
    if (burials_.size() > left) {  // still no room: keep the order
      std::rotate(burials_.rbegin(), burials_.rbegin() + 1, burials_.rend());
      return false;
    }
  }
  log_.info("dead letters have room again");
  return true;
}

// Makes the letters durable, then settles their events; without room the lane waits.
void Sender::bury(WorkPtr work, std::vector<std::size_t> events, std::string lines) {
  const Result<void> committed = dead_letters_.commit(lines);
  // A part of them may be durable already.
  const auto durable = events.end() - std::count(lines.begin(), lines.end(), '\n');
  for (auto event = events.begin(); event != durable; ++event)
    work->batch.settle(*event, Settled::dead_lettered);
  counters_.dead_sink.add(static_cast<std::uint64_t>(durable - events.begin()));
  if (committed.has_value()) return;
  events.erase(events.begin(), durable);
  if (burials_.empty()) log_.error("{}", committed.error().what);
  reason_ = committed.error().what;
  burial_retry_ = clock_.now() + kBurialRetry;
  burials_.push_back({std::move(work), std::move(events), std::move(lines)});
}

void Sender::stop(Tick deadline) {
  stopping_ = true;
  sink_.stop(deadline);
  receive(clock_.now());
  publish();
}

Tick Sender::next_call(Tick now) const {
  Tick at = now + kLongWait;
  if (rules_.self_retrying && !flying_.empty()) at = std::min(at, now + kStallCheck);
  if (!burials_.empty()) at = std::min(at, burial_retry_);
  if (now < held_until_) at = std::min(at, held_until_);
  const bool work_left = !waiting_.empty() || buffer_.events() > 0;
  if (state_ == LaneStatus::State::down && work_left && flying_.empty())
    at = std::min(at, std::max(down_until_, now));
  if (state_ == LaneStatus::State::up && flying_.size() < limit_) {
    for (const WorkPtr& work : waiting_) {
      at = std::min(at, std::max(work->not_before, now));
      if (rules_.strict) break;
    }
  }
  if (state_ == LaneStatus::State::down && now >= down_until_ && flying_.empty()) {
    // Only work that is not due yet: without this the loop would spin.
    Tick due = now + kLongWait;
    for (const WorkPtr& work : waiting_) due = std::min(due, work->not_before);
    at = std::max(due, now + Millis(1));
  }
  return at;
}

void Sender::publish() {
  LaneStatus status;
  status.state = burials_.empty() ? state_ : LaneStatus::State::down;
  if (status.state == LaneStatus::State::up && said_down_)
    status.state = LaneStatus::State::probing;  // it answers, but has accepted nothing yet
  status.reason = reason_;
  status.since = since_;
  status.body_limit = refused_bytes_ == 0 ? 0 : accepted_bytes_;
  status.closed = closed_;
  status.waiting = buffer_.events();
  for (const WorkPtr& work : waiting_) status.waiting += work->batch.size();
  for (const Burial& burial : burials_) status.waiting += burial.events.size();
  for (const auto& [id, work] : flying_) status.in_flight += work->batch.size();
  counters_.up.set(status.state == LaneStatus::State::up ? 1 : 0);
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
}

LaneStatus Sender::status() const {
  const std::lock_guard lock(status_mutex_);
  return status_;
}

}  // namespace tailgate::pipeline
