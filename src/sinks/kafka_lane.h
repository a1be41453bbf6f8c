// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/batch.h"
#include "core/sink.h"
#include "sinks/kafka_errors.h"

namespace tailgate::sinks {

struct KafkaWork;
class KafkaLane;

/// One event in the producer: librdkafka carries a pointer to it through a message's life.
struct KafkaItem {
  KafkaWork* work = nullptr;
  KafkaLane* lane = nullptr;
};

/// One batch in the producer, until each of its events has its answer.
struct KafkaWork {
  const Batch* batch = nullptr;
  Sink::Done done;
  std::uint64_t number = 0;      // in the order of send()
  std::size_t left = 0;          // events without an answer
  std::vector<KafkaItem> items;  // one per event
  std::vector<Answer> answers;

  [[nodiscard]] std::uint32_t index(const KafkaItem& item) const {
    return static_cast<std::uint32_t>(&item - items.data());
  }
};

/// What the sink delivered so far: an event is condemned only when others get through.
struct KafkaEvidence {
  std::uint64_t delivered = 0;
  Tick last{};
};

/// The messages for one topic, in the order of their first sending. While all is well everything goes out at once. When
/// a message fails, nothing new is sent until every report is in; then those that failed go first, in their old order,
/// and after a refusal that may be a neighbour's fault, one at a time. No I/O; one thread.
class KafkaLane {
 public:
  /// `condemnable`: the topic came from the event, so an unknown topic can be the event's own fault.
  KafkaLane(std::string topic, bool condemnable, Millis first_rest)
      : topic_(std::move(topic)), condemnable_(condemnable), first_rest_(first_rest) {}

  [[nodiscard]] const std::string& topic() const { return topic_; }
  void add(KafkaItem* item) { waiting_.push_back(item); }

  /// Moves to `out` what may be sent now, at most `most`.
  void take(std::size_t most, Tick now, std::vector<KafkaItem*>& out);
  /// Not sent after all: librdkafka's queue is full. To be called backwards.
  void put_back(KafkaItem* item);

  enum class Verdict : std::uint8_t { delivered, rejected, kept };
  Verdict report(KafkaItem* item, KafkaReport report, Tick now, const KafkaEvidence& evidence);

  enum class Step : std::uint8_t {
    none,
    again,      // go on; a missing topic must be looked up again first
    condemned,  // this topic alone is at fault: what waits is rejected
  };
  /// To be called after reports and when time has passed.
  Step step(Tick now, const KafkaEvidence& evidence);
  /// Everything waiting, oldest first.
  std::vector<KafkaItem*> take_all();
  /// The client was replaced: everything unsettled again.
  void start_over(Tick now);

  /// Settled and nothing to do.
  [[nodiscard]] bool idle() const {
    return waiting_.empty() && returned_.empty() && outstanding_ == 0;
  }
  [[nodiscard]] bool wants_to_send() const { return state_ == State::open && !waiting_.empty(); }
  [[nodiscard]] std::size_t outstanding() const { return outstanding_; }
  [[nodiscard]] KafkaReport trouble() const { return trouble_; }
  /// Messages together were above the limit: it should be asked for again.
  [[nodiscard]] bool oversized_together() const { return oversized_together_; }
  void limit_is_known() { oversized_together_ = false; }
  /// When step() should be called though no report came.
  [[nodiscard]] Tick wake_at() const {
    return state_ == State::resting ? not_before_ : Tick::max();
  }

 private:
  enum class State : std::uint8_t {
    open,
    settling,  // awaiting every report
    resting,   // until not_before_
  };
  void keep(KafkaItem* item);
  void settled(Tick now);
  [[nodiscard]] Millis next_rest();

  std::string topic_;
  bool condemnable_;
  Millis first_rest_;
  State state_ = State::open;
  std::deque<KafkaItem*> waiting_;    // oldest first
  std::vector<KafkaItem*> returned_;  // failed in this round
  std::size_t outstanding_ = 0;
  std::size_t alone_ = 0;  // so many of waiting_ go one at a time
  bool alone_next_ = false;
  bool oversized_together_ = false;
  KafkaReport round_ = KafkaReport::delivered;    // the topic trouble of this round, or `later`
  KafkaReport trouble_ = KafkaReport::delivered;  // that of the last one
  std::uint32_t failures_ = 0;                    // rounds without a delivery
  std::uint32_t counted_ = 0;                     // those while others were delivered
  std::uint64_t mark_ = 0;                        // of the evidence, at the last failure
  Tick not_before_{};
};

}  // namespace tailgate::sinks
