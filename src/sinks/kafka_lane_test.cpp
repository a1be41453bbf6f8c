// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_lane.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace tailgate;
using namespace tailgate::sinks;
using Verdict = KafkaLane::Verdict;
using Step = KafkaLane::Step;

namespace {

/// A lane with the items 0 … 9 of one batch in it.
struct Fixture {
  explicit Fixture(bool condemnable = true) : lane("t", condemnable, Millis(250)) {
    work.items.resize(10);
    for (KafkaItem& item : work.items) {
      item = {&work, &lane};
      lane.add(&item);
    }
  }
  std::vector<std::uint32_t> take(std::size_t most = 100) {
    std::vector<KafkaItem*> items;
    lane.take(most, now, items);
    std::vector<std::uint32_t> out;
    for (const KafkaItem* item : items) out.push_back(work.index(*item));
    return out;
  }
  Verdict report(std::uint32_t item, KafkaReport report) {
    const Verdict verdict = lane.report(&work.items[item], report, now, evidence);
    if (verdict == Verdict::delivered) {
      ++evidence.delivered;
      evidence.last = now;
    }
    return verdict;
  }
  /// Lets time pass until the lane goes on.
  Step go_on() {
    const Step step = lane.step(now, evidence);
    if (step != Step::none || lane.wake_at() == Tick::max()) return step;
    now = lane.wake_at();
    return lane.step(now, evidence);
  }

  KafkaLane lane;
  KafkaWork work;
  KafkaEvidence evidence;
  Tick now{std::chrono::hours(1)};
};

using Items = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("messages that fail go out again in their first order, before anything newer") {
  Fixture f;
  CHECK(f.take(4) == Items{0, 1, 2, 3});
  CHECK(f.report(2, KafkaReport::later) == Verdict::kept);
  CHECK(f.take().empty());
  CHECK(f.report(0, KafkaReport::delivered) == Verdict::delivered);
  CHECK(f.report(1, KafkaReport::later) == Verdict::kept);
  CHECK(f.lane.step(f.now, f.evidence) == Step::none);
  CHECK(f.report(3, KafkaReport::delivered) == Verdict::delivered);
  CHECK(f.go_on() == Step::again);
  CHECK(f.take() == Items{1, 2, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("messages refused together as too large are sent one at a time, and refused only alone") {
  Fixture f;
  f.take(3);
  for (const std::uint32_t i : {0U, 1U, 2U})
    CHECK(f.report(i, KafkaReport::oversized) == Verdict::kept);
  CHECK(f.lane.oversized_together());
  CHECK(f.go_on() == Step::again);
  CHECK(f.take() == Items{0});
  CHECK(f.take().empty());
  CHECK(f.report(0, KafkaReport::delivered) == Verdict::delivered);
  CHECK(f.take() == Items{1});
  CHECK(f.report(1, KafkaReport::oversized) == Verdict::rejected);
  CHECK(f.take() == Items{2});
  CHECK(f.report(2, KafkaReport::delivered) == Verdict::delivered);
  CHECK(f.take() == Items{3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a record refused alone is condemned only while others get through") {
  Fixture f;
  f.take(2);
  f.report(0, KafkaReport::refused);
  f.report(1, KafkaReport::refused);
  f.go_on();
  CHECK(f.take() == Items{0});
  CHECK(f.report(0, KafkaReport::refused) == Verdict::kept);  // nothing was ever delivered
  f.go_on();
  CHECK(f.take() == Items{1});
  CHECK(f.report(1, KafkaReport::delivered) == Verdict::delivered);
}

TEST_CASE("an unknown topic is never condemned while nothing else gets through") {
  Fixture f;
  for (int round = 0; round < 50; ++round) {
    for (const std::uint32_t item : f.take()) f.report(item, KafkaReport::topic_unknown);
    CHECK(f.go_on() == Step::again);
  }
  CHECK(f.take() == Items{0});  // the rest waits for this one
}

TEST_CASE("an unknown topic from a template is condemned after attempts with evidence") {
  Fixture f;
  int rounds = 0;
  Step step = Step::none;
  while (step != Step::condemned) {
    ++rounds;
    REQUIRE(rounds < 10);
    ++f.evidence.delivered;
    for (const std::uint32_t item : f.take()) f.report(item, KafkaReport::topic_unknown);
    step = f.go_on();
  }
  CHECK(rounds == 5);
  CHECK(f.lane.take_all().size() == 10);
  CHECK(f.lane.idle());
}

TEST_CASE("a constant topic is never condemned") {
  Fixture f(false);
  for (int round = 0; round < 50; ++round) {
    ++f.evidence.delivered;
    for (const std::uint32_t item : f.take()) f.report(item, KafkaReport::topic_denied);
    CHECK(f.go_on() == Step::again);
  }
  CHECK(f.report(f.take().at(0), KafkaReport::delivered) == Verdict::delivered);
  CHECK(f.take() == Items{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("what did not fit into librdkafka's queue keeps its place") {
  Fixture f;
  f.take(4);
  f.lane.put_back(&f.work.items[3]);
  f.lane.put_back(&f.work.items[2]);
  CHECK(f.lane.outstanding() == 2);
  CHECK(f.take(3) == Items{2, 3, 4});
}
