// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lane.h"

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

namespace tailgate::pipeline {
namespace {

using Kind = Outcome::Kind;

Outcome outcome(Kind kind) {
  Outcome out;
  out.kind = kind;
  return out;
}

/// What the test wants of the sink; it outlives the lane.
struct Script {
  bool waits = false;
  bool late = false;            // answers when the test says so
  std::deque<Kind> kinds = {};  // of the first attempts; then answered
  std::mutex mutex = {};
  std::vector<std::thread::id> senders = {};
  std::vector<Sink::Done> held = {};
};

class ScriptedSink final : public Sink {
 public:
  explicit ScriptedSink(Script& script) : script_(script) {}
  void send(const Batch& /*batch*/, Done done) override {
    Kind kind = Kind::answered;
    {
      const std::lock_guard lock(script_.mutex);
      script_.senders.push_back(std::this_thread::get_id());
      if (script_.late) {
        script_.held.push_back(std::move(done));
        return;
      }
      if (!script_.kinds.empty()) {
        kind = script_.kinds.front();
        script_.kinds.pop_front();
      }
    }
    done(outcome(kind));
  }
  [[nodiscard]] bool waits() const override { return script_.waits; }
  void stop(Tick /*deadline*/) override {}

 private:
  Script& script_;
};

struct Bed {
  explicit Bed(Script& given)
      : script(given),
        lane({.sink = "out", .retry = {.initial = Millis(1), .max = Millis(1)}},
             std::make_unique<ScriptedSink>(given), letters, counters, clock, Log(), [] {}) {
    lane.start();
  }

  void push() {
    const std::shared_ptr<Chunk> chunk = stream->add_chunk({end, end + 10});
    end += 10;
    Batch batch(0, {}, credits);
    batch.begin_event(chunk, 0);
    batch.body() += "{}";
    batch.end_event();
    counters.dispatched.add();
    lane.buffer().push(std::move(batch));
  }
  [[nodiscard]] bool settles() const {
    for (int i = 0; i < 5'000 && !lane.idle(); ++i) std::this_thread::sleep_for(Millis(1));
    return lane.idle() && stream->settled_offset() == end;
  }

  Script& script;
  SystemClock clock;
  Credits credits{1 << 20, 0};
  DeadLetters letters = DeadLetters::to_stderr(clock, Log());
  metrics::SinkCounters counters;
  std::shared_ptr<Stream> stream = std::make_shared<Stream>(
      Uuid::random(), "test", "/test", std::vector<SinkPosition>{SinkPosition{}});
  std::uint64_t end = 0;
  Lane lane;
};

}  // namespace

TEST_CASE("lane: who pushes sends to a sink that never waits") {
  Script script;
  Bed bed(script);
  // At its start the thread may be at it, and then takes what comes.
  const auto by_us = [&script] {
    const std::lock_guard lock(script.mutex);
    return !script.senders.empty() && script.senders.back() == std::this_thread::get_id();
  };
  for (int i = 0; i < 10'000 && !by_us(); ++i) bed.push();
  REQUIRE(by_us());
  bed.push();
  CHECK(by_us());
  CHECK(bed.lane.idle());  // by the time that push() returns
  CHECK(bed.settles());
}

TEST_CASE("lane: a sink that may wait has a thread") {
  Script script{.waits = true};
  Bed bed(script);
  for (int i = 0; i < 100; ++i) bed.push();
  CHECK(bed.settles());
  const std::lock_guard lock(script.mutex);
  for (const std::thread::id sender : script.senders) CHECK(sender != std::this_thread::get_id());
}

TEST_CASE("lane: trouble of a sink that never waits is the thread's") {
  Script script{.kinds = {Kind::endpoint_trouble, Kind::endpoint_trouble, Kind::unknown}};
  Bed bed(script);
  bed.push();
  CHECK(bed.settles());
  bed.push();
  bed.push();
  CHECK(bed.settles());
  CHECK(bed.counters.attempts.value() == 6);
}

TEST_CASE("lane: a late answer of a sink that never waits is heard") {
  Script script{.late = true};
  Bed bed(script);
  bed.push();
  CHECK_FALSE(bed.lane.idle());
  const auto sent = [&script] {
    const std::lock_guard lock(script.mutex);
    return !script.held.empty();
  };
  while (!sent()) std::this_thread::yield();
  std::thread other([&script] {
    const std::lock_guard lock(script.mutex);
    script.held.front()(outcome(Kind::answered));
  });
  other.join();
  CHECK(bed.settles());
}

}  // namespace tailgate::pipeline
