// SPDX-License-Identifier: Apache-2.0
// What an outcome means for the lane and for its events.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipeline/sender.h"
#include "pipeline/sender_mailbox.h"

namespace tailgate::pipeline {
namespace {

constexpr std::uint64_t kPouring = 1000;  // refusals in a row for one reason
constexpr std::size_t kMaxGroups = 4096;

std::string sentence(const Outcome& outcome) {
  return outcome.reason.empty() ? "the other side did not answer as it should" : outcome.reason;
}

}  // namespace

void Sender::handle(WorkPtr work, Outcome outcome, Tick now) {
  switch (outcome.kind) {
    case Outcome::Kind::answered:
      return answered(std::move(work), outcome, now);
    case Outcome::Kind::endpoint_trouble:
      return trouble(std::move(work), outcome, now);
    case Outcome::Kind::too_large:
      return too_large(std::move(work), outcome, now);
    case Outcome::Kind::suspect:
      return suspect(std::move(work), outcome, now);
    case Outcome::Kind::unknown:
      return unknown(std::move(work), outcome, now);
    case Outcome::Kind::closed:
      closed_ = true;
      reason_ = sentence(outcome);
      return requeue(std::move(work), now);
  }
}

void Sender::answered(WorkPtr work, Outcome& outcome, Tick now) {
  const std::size_t total = work->batch.size();
  const Sorted sorted = sort(outcome, total);
  note_answers(*work, sorted);
  if (sorted.delivered == total) {
    work->batch.settle_all();
    counters_.delivered.add(total);
    accepted_bytes_ = std::max(accepted_bytes_, work->batch.wire().size());
    return went_well(now, total);
  }
  WorkPtr failed = take_failed(*work, sorted);
  // What is left is delivered or refused, in order: map the old indices to the new ones.
  std::vector<std::size_t> place(total, 0);
  std::size_t next_place = 0;
  for (std::size_t i = 0; i < total; ++i) {
    if (sorted.retry[i]) continue;
    place[i] = next_place++;
    if (!sorted.listed[i]) work->batch.settle(place[i], Settled::delivered);
  }
  counters_.delivered.add(sorted.delivered);
  if (!sorted.refusals.empty()) refuse(std::move(work), sorted, place, now);
  if (sorted.delivered > 0 || (sorted.retries.empty() && pouring_ < kPouring))
    went_well(now, sorted.delivered);
  if (failed == nullptr) return;
  const bool own_fault = std::any_of(sorted.retries.begin(), sorted.retries.end(),
                                     [](const Answer* answer) { return answer->own_fault; });
  if (sorted.delivered == 0 && sorted.refusals.empty() && !own_fault) {
    go_down(sorted.retries.front()->reason, outcome.retry_after, now);
  } else if (state_ == LaneStatus::State::probing) {
    went_well(now, 0);
  }
  again(std::move(failed), sorted.retries, total == 1, now);
}

Sender::Sorted Sender::sort(const Outcome& outcome, std::size_t total) {
  Sorted sorted;
  sorted.listed.assign(total, false);
  sorted.retry.assign(total, false);
  for (const Answer& answer : outcome.answers) {
    if (answer.event >= total || answer.fate == Fate::delivered || sorted.listed[answer.event])
      continue;
    sorted.listed[answer.event] = true;
    const bool refused = answer.fate == Fate::rejected;
    sorted.retry[answer.event] = !refused;
    (refused ? sorted.refusals : sorted.retries).push_back(&answer);
  }
  const auto by_event = [](const Answer* a, const Answer* b) { return a->event < b->event; };
  std::sort(sorted.retries.begin(), sorted.retries.end(), by_event);
  sorted.delivered = total - sorted.retries.size() - sorted.refusals.size();
  return sorted;
}

void Sender::note_answers(const Work& work, const Sorted& sorted) {
  const auto& events = work.batch.events();
  for (const Answer* answer : sorted.retries)
    troubled_.try_emplace(std::string(work.batch.note(events[answer->event].group)), 0);
  // Its names come from events: forgetting them delays a verdict, no more.
  if (troubled_.size() > kMaxGroups) troubled_.clear();
  if (troubled_.empty()) return;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (sorted.listed[i]) continue;
    const auto group = troubled_.find(work.batch.note(events[i].group));
    if (group != troubled_.end()) ++group->second;
  }
}

// The events that are to be tried again leave `work`.
Sender::WorkPtr Sender::take_failed(Work& work, const Sorted& sorted) {
  if (sorted.retries.empty()) return nullptr;
  auto failed = std::make_unique<Work>(work.batch.take(sorted.retry));
  failed->order = work.order;
  failed->tries = work.tries;
  for (std::size_t i = 0; i < work.seen.size(); ++i) {
    if (sorted.retry[i]) failed->seen.push_back(work.seen[i]);
  }
  return failed;
}

// The refused events of a request leave for the dead letters, unless too many did in a row for one reason.
void Sender::refuse(WorkPtr work, const Sorted& sorted, const std::vector<std::size_t>& place,
                    Tick now) {
  const std::vector<const Answer*>& refusals = sorted.refusals;
  const std::string reason = refusals.front()->reason;
  if (sorted.delivered == 0 && pours(reason, refusals.size()))
    return hold(std::move(work), reason, now);
  std::string lines;
  std::vector<std::size_t> events;
  for (const Answer* answer : refusals) {
    lines += letter(*work, place[answer->event], answer->reason, answer->detail);
    events.push_back(place[answer->event]);
  }
  log_.warn("{} events were refused ({}); they are in the dead letters", refusals.size(), reason);
  bury(std::move(work), std::move(events), std::move(lines));
}

bool Sender::pours(const std::string& reason, std::size_t count) {
  if (reason != pouring_reason_) {
    pouring_reason_ = reason;
    pouring_ = 0;
  }
  pouring_ += count;
  return pouring_ >= kPouring;
}

// A wrong setting must not pour the whole log into the dead letters: the lane waits, and says so.
void Sender::hold(WorkPtr work, const std::string& reason, Tick now) {
  const std::string why = fmt::format(
      "{} events in a row were refused ({}); waiting instead of filling the dead letters", kPouring,
      reason);
  held_until_ = now + rules_.retry.max;
  if (rules_.self_retrying && reason_ != why) log_.warn("{}", why);
  go_down(why, rules_.retry.max, now);
  requeue(std::move(work), held_until_);
}

// `work` holds the events of `answers`, in their order.
void Sender::again(WorkPtr work, const std::vector<const Answer*>& answers, bool alone, Tick now) {
  Batch& batch = work->batch;
  if (stopping_) return requeue(std::move(work), now);  // given up is not refused
  work->seen.resize(batch.size(), 0);
  std::string lines;
  std::vector<std::size_t> condemned;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    BatchEvent& event = batch.events()[i];
    const Answer& answer = *answers[i];
    const auto group = troubled_.find(batch.note(event.group));
    const std::uint64_t deliveries = group == troubled_.end() ? 0 : group->second;
    if (deliveries > work->seen[i]) {
      ++event.attempts;  // others of its kind got through since: the fault is its own
      work->seen[i] = deliveries;
    }
    const bool over = event.attempts >= rules_.retry.event_attempts;
    if (!over && !(answer.own_fault && alone)) continue;
    lines += letter(*work, i, answer.reason, answer.detail);
    condemned.push_back(i);
  }
  const Tick not_before = now + backoff_.for_tries(work->tries);
  if (condemned.empty()) {
    if (batch.size() > 1) return halve(std::move(work), not_before);
    return requeue(std::move(work), not_before);
  }
  if (pours(answers.front()->reason, condemned.size()))
    return hold(std::move(work), answers.front()->reason, now);
  log_.warn("{} events failed for good ({}); they are in the dead letters", condemned.size(),
            answers.front()->reason);
  std::vector<bool> keep(batch.size(), true);
  for (const std::size_t i : condemned) keep[i] = false;
  std::vector<std::uint64_t> seen;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) seen.push_back(work->seen[i]);
  }
  auto rest = std::make_unique<Work>(batch.take(keep));
  rest->order = work->order;
  rest->tries = work->tries;
  rest->seen = std::move(seen);
  std::vector<std::size_t> all(batch.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  bury(std::move(work), std::move(all), std::move(lines));
  if (rest->batch.empty()) return;
  if (rest->batch.size() > 1) return halve(std::move(rest), not_before);
  requeue(std::move(rest), not_before);
}

void Sender::trouble(WorkPtr work, const Outcome& outcome, Tick now) {
  go_down(sentence(outcome), outcome.retry_after, now);
  requeue(std::move(work), now);
}

void Sender::too_large(WorkPtr work, const Outcome& outcome, Tick now) {
  const std::size_t bytes = work->batch.wire().size();
  if (refused_bytes_ == 0 || bytes < refused_bytes_) refused_bytes_ = bytes;
  if (accepted_bytes_ >= refused_bytes_) accepted_bytes_ = refused_bytes_ / 2;
  limit_probe_ = now + kLimitProbe;
  if (state_ == LaneStatus::State::probing) went_well(now, 0);
  if (work->batch.size() > 1) {
    counters_.splits.add();
    log_.info("a body of {} was too large ({}); split, and remembered", human_bytes(bytes),
              sentence(outcome));
    return halve(std::move(work), now);
  }
  if (pours("too large", 1)) return hold(std::move(work), "too large", now);
  const std::string reason =
      fmt::format("too large: {} bytes in a body of its own ({})", bytes, sentence(outcome));
  log_.warn("an event is {}; it is in the dead letters", reason);
  std::string lines = letter(*work, 0, reason, outcome.detail);
  bury(std::move(work), {0}, std::move(lines));
}

// In strict order no other event can go first and be accepted, so evidence would never come: there an event is condemned
// by as many refusals, with the waits between them. A wrong setting thus costs an event in minutes, until pours() holds.
bool Sender::refused_enough(Work& work) const {
  return rules_.strict && ++work.batch.events().front().attempts >= rules_.retry.event_attempts;
}

void Sender::suspect(WorkPtr work, const Outcome& outcome, Tick now) {
  const bool alone = work->batch.size() == 1;
  if (alone && !outcome.condemns_alone && !has_evidence(now) && !refused_enough(*work)) {
    // Nothing was accepted lately: a wrong format would otherwise dead-letter every line. Others go first, so that there
    // is evidence at its next turn.
    work->suspected = !rules_.strict;
    return trouble(std::move(work), outcome, now);
  }
  if (state_ == LaneStatus::State::probing) went_well(now, 0);
  if (!alone) return halve(std::move(work), now);
  if (pours(sentence(outcome), 1)) return hold(std::move(work), sentence(outcome), now);
  log_.warn("one event was refused: {}; it is in the dead letters", sentence(outcome));
  std::string lines = letter(*work, 0, sentence(outcome), outcome.detail);
  bury(std::move(work), {0}, std::move(lines));
}

void Sender::unknown(WorkPtr work, const Outcome& outcome, Tick now) {
  if (rules_.self_retrying || work->batch.size() == 1)
    return trouble(std::move(work), outcome, now);
  go_down(sentence(outcome), outcome.retry_after, now);
  halve(std::move(work), now);
}

void Sender::went_well(Tick now, std::size_t delivered) {
  if (delivered > 0) {
    last_delivery_ = now;
    pouring_ = 0;
    backoff_.reset();
    if (said_down_) {
      log_.info("is up again after {}",
                human_duration(std::chrono::duration_cast<Millis>(now - since_)));
      since_ = now;
    }
    said_down_ = false;
  }
  if (rules_.self_retrying) return;
  if (state_ == LaneStatus::State::up) {
    limit_ = std::min(limit_ * 2, rules_.max_in_flight);
    return;
  }
  if (state_ == LaneStatus::State::probing || delivered > 0) {
    state_ = LaneStatus::State::up;
    limit_ = 1;
  }
}

void Sender::go_down(const std::string& reason, Millis at_least, Tick now) {
  if (rules_.self_retrying) {
    reason_ = reason;
    return;
  }
  // Several attempts that were under way together fail together: that is one failure.
  if (state_ == LaneStatus::State::down) {
    down_until_ = std::max(down_until_, now + at_least);
    return;
  }
  const Millis wait = backoff_.next(at_least);
  if (!said_down_) since_ = now;
  if (!said_down_ || reason != reason_) {
    log_.warn("is down: {}; its events wait, next try in {}", reason, human_duration(wait));
  }
  said_down_ = true;
  reason_ = reason;
  state_ = LaneStatus::State::down;
  down_until_ = now + wait;
}

std::string Sender::letter(const Work& work, std::size_t event, std::string_view reason,
                           std::string_view detail) const {
  const BatchEvent& one = work.batch.events()[event];
  const Stream& stream = one.chunk->stream();
  DeadLetter dead;
  dead.source = stream.source();
  dead.path = stream.path();
  dead.gen = stream.gen().text();
  dead.offset = one.chunk->begin(one.line);
  dead.sink = rules_.sink;
  dead.stage = "sink";
  dead.reason = reason;
  dead.answer = detail;
  dead.attempts = work.tries;
  dead.event = work.batch.text(one);
  return dead_letters_.line(dead);
}

}  // namespace tailgate::pipeline
