// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_lane.h"

#include <algorithm>
#include <utility>

namespace tailgate::sinks {
namespace {

constexpr std::uint32_t kAttempts = 5;
constexpr unsigned kLongestRest = 40;  // times the first
constexpr Millis kRecently{60'000};

bool is_topic_trouble(KafkaReport report) {
  return report == KafkaReport::topic_unknown || report == KafkaReport::topic_denied;
}

bool sent_before(const KafkaItem* a, const KafkaItem* b) {
  return a->work == b->work ? a < b : a->work->number < b->work->number;
}

}  // namespace

void KafkaLane::take(std::size_t most, Tick now, std::vector<KafkaItem*>& out) {
  out.clear();
  if (state_ != State::open || now < not_before_) return;
  if (alone_ > 0) most = outstanding_ == 0 ? 1 : 0;
  const std::size_t count = std::min(most, waiting_.size());
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  out.assign(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  outstanding_ += count;
}

void KafkaLane::put_back(KafkaItem* item) {
  waiting_.push_front(item);
  --outstanding_;
}

KafkaLane::Verdict KafkaLane::report(KafkaItem* item, KafkaReport report, Tick now,
                                     const KafkaEvidence& evidence) {
  --outstanding_;
  const bool alone = alone_ > 0 && state_ == State::open;
  switch (report) {
    case KafkaReport::delivered:
      failures_ = 0;
      counted_ = 0;
      if (state_ == State::open) trouble_ = KafkaReport::delivered;
      if (alone) --alone_;
      return Verdict::delivered;
    case KafkaReport::oversized:
      if (alone) {
        --alone_;
        return Verdict::rejected;
      }
      oversized_together_ = true;
      alone_next_ = true;
      break;
    case KafkaReport::refused:
      if (alone && now - evidence.last < kRecently && evidence.delivered > 0) {
        --alone_;
        return Verdict::rejected;
      }
      if (alone) {
        // Nothing got through lately, so it may not be this one's fault: the others are tried first.
        waiting_.push_back(item);
        trouble_ = report;
        not_before_ = now + next_rest();
        state_ = State::resting;
        return Verdict::kept;
      }
      alone_next_ = true;
      break;
    case KafkaReport::topic_unknown:
    case KafkaReport::topic_denied:
      round_ = report;
      break;
    case KafkaReport::later:
      if (round_ == KafkaReport::delivered) round_ = report;
      break;
  }
  keep(item);
  return Verdict::kept;
}

void KafkaLane::keep(KafkaItem* item) {
  returned_.push_back(item);
  state_ = State::settling;
}

void KafkaLane::settled(Tick now) {
  // All of these left before anything that still waits.
  std::ranges::sort(returned_, sent_before);
  if (alone_next_) alone_ = std::max(alone_, returned_.size());
  alone_next_ = false;
  waiting_.insert(waiting_.begin(), returned_.begin(), returned_.end());
  returned_.clear();
  state_ = State::resting;
  trouble_ = std::exchange(round_, KafkaReport::delivered);
  not_before_ = now;
  if (trouble_ == KafkaReport::later) not_before_ = now + first_rest_;
  if (is_topic_trouble(trouble_)) not_before_ = now + next_rest();
}

Millis KafkaLane::next_rest() {
  return first_rest_ * std::min(kLongestRest, 1U << std::min(failures_++, 10U));
}

KafkaLane::Step KafkaLane::step(Tick now, const KafkaEvidence& evidence) {
  if (state_ == State::settling && outstanding_ == 0) {
    settled(now);
    if (is_topic_trouble(trouble_)) {
      const bool others_get_through = evidence.delivered > mark_;
      if (others_get_through) ++counted_;
      mark_ = evidence.delivered;
      if (condemnable_ && others_get_through && counted_ >= kAttempts) {
        not_before_ = now + first_rest_;
        return Step::condemned;
      }
    }
  }
  if (state_ != State::resting || now < not_before_) return Step::none;
  state_ = State::open;
  if (is_topic_trouble(trouble_)) alone_ = std::max<std::size_t>(alone_, 1);
  return Step::again;
}

std::vector<KafkaItem*> KafkaLane::take_all() {
  std::ranges::sort(returned_, sent_before);
  std::vector<KafkaItem*> out(returned_.begin(), returned_.end());
  out.insert(out.end(), waiting_.begin(), waiting_.end());
  returned_.clear();
  waiting_.clear();
  alone_ = 0;
  alone_next_ = false;
  return out;
}

void KafkaLane::start_over(Tick now) {
  if (state_ == State::settling) settled(now);
  not_before_ = std::min(not_before_, now);
}

}  // namespace tailgate::sinks
