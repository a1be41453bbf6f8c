// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "core/buffer.h"
#include "core/sink.h"
#include "metrics/counters.h"
#include "pipeline/dead_letter.h"

namespace tailgate::pipeline {

struct RetryRules {
  Millis initial{200};
  Millis max{30'000};
  unsigned event_attempts = 20;
};

struct SenderRules {
  std::string sink;
  unsigned max_in_flight = 4;
  bool strict = false;  // one in flight; nothing newer leaves before older is settled
  bool self_retrying = false;
  RetryRules retry;
};

/// How a lane stands, for /delivery, /status and the progress line.
struct LaneStatus {
  enum class State : std::uint8_t { up, down, probing };
  State state = State::up;
  std::string reason;            // why it is not up; the last trouble
  std::uint64_t waiting = 0;     // events in the buffer and in retry
  std::uint64_t in_flight = 0;   // events in attempts under way
  std::uint64_t body_limit = 0;  // what the other side was found to accept; 0: unknown
  Tick since{};                  // of the state
  bool closed = false;           // our stdout was closed
};

/// The lane's state machine, and the only place that retries: up(limit) → down(backoff) → probe(one batch) → up. Splits
/// what is too large, halves what is refused as a whole, condemns an event only with evidence, writes dead letters, and
/// settles. step() and stop() are called by one thread at a time; outcomes come from any.
class Sender {
 public:
  Sender(SenderRules rules, Sink& sink, Buffer& buffer, DeadLetters& dead_letters,
         metrics::SinkCounters& counters, const Clock& clock, Log log, std::function<void()> wake);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Does all that can be done now. Returns when to call again at the latest; an outcome or a push wakes earlier.
  Tick step();
  /// Ends attempts by `deadline`, handles their outcomes; what is left stays unsettled and is read again next time.
  void stop(Tick deadline);
  /// Any thread.
  [[nodiscard]] LaneStatus status() const;
  /// Any thread: once the lane is closed, drops what waits and what comes. True: it was told before.
  bool discard() { return discard_.exchange(true); }

 private:
  struct Work {
    explicit Work(Batch of) : batch(std::move(of)) {}
    Batch batch;
    Tick not_before{};
    std::uint64_t order = 0;  // by which work waits: that of the batch it came from
    unsigned tries = 0;       // attempts so far, for the backoff
    bool suspected = false;   // refused alone, without evidence yet: others go first, to give it
    std::vector<std::uint64_t>
        seen;  // per event: deliveries of its group at its last counted failure
  };
  using WorkPtr = std::unique_ptr<Work>;
  struct Burial {  // dead letters that wait for room
    WorkPtr work;
    std::vector<std::size_t> events;
    std::string lines;
  };
  struct Sorted {  // the answers of one request; what is not listed was delivered
    std::vector<const Answer*> retries;
    std::vector<const Answer*> refusals;
    std::vector<bool> listed;
    std::vector<bool> retry;
    std::size_t delivered = 0;
  };
  struct Mailbox;
  /// After a body was refused for its size: how often a larger one than the known limit is tried.
  static constexpr Millis kLimitProbe{10 * 60 * 1000};

  void receive(Tick now);
  void handle(WorkPtr work, Outcome outcome, Tick now);
  void answered(WorkPtr work, Outcome& outcome, Tick now);
  static Sorted sort(const Outcome& outcome, std::size_t total);
  void note_answers(const Work& work, const Sorted& sorted);
  static WorkPtr take_failed(Work& work, const Sorted& sorted);
  void refuse(WorkPtr work, const Sorted& sorted, const std::vector<std::size_t>& place, Tick now);
  void too_large(WorkPtr work, const Outcome& outcome, Tick now);
  void suspect(WorkPtr work, const Outcome& outcome, Tick now);
  [[nodiscard]] bool refused_enough(Work& work) const;
  void unknown(WorkPtr work, const Outcome& outcome, Tick now);
  void trouble(WorkPtr work, const Outcome& outcome, Tick now);
  /// The answers "may be accepted later" of one request: counts evidence, condemns or tries again in halves.
  void again(WorkPtr work, const std::vector<const Answer*>& answers, bool alone, Tick now);
  void halve(WorkPtr work, Tick not_before);
  void requeue(WorkPtr work, Tick not_before);
  void bury(WorkPtr work, std::vector<std::size_t> events, std::string lines);
  bool burials_done(Tick now);
  [[nodiscard]] std::string letter(const Work& work, std::size_t event, std::string_view reason,
                                   std::string_view detail) const;
  bool pours(const std::string& reason, std::size_t count);
  void hold(WorkPtr work, const std::string& reason, Tick now);
  void went_well(Tick now, std::size_t delivered);
  void go_down(const std::string& reason, Millis at_least, Tick now);
  [[nodiscard]] bool may_send(Tick now) const;
  WorkPtr next(Tick now);
  WorkPtr next_suspect(Tick now);
  /// Another event was accepted lately, so a refusal is the event's own.
  [[nodiscard]] bool has_evidence(Tick now) const;
  void send(WorkPtr work, Tick now);
  WorkPtr fit(WorkPtr work, Tick now);
  [[nodiscard]] Tick next_call(Tick now) const;
  void drop_all();
  void drop(Batch& batch);
  void publish();

  const SenderRules rules_;
  Sink& sink_;
  Buffer& buffer_;
  DeadLetters& dead_letters_;
  metrics::SinkCounters& counters_;
  const Clock& clock_;
  Log log_;

  // Of whoever calls step().
  LaneStatus::State state_ = LaneStatus::State::up;
  std::string reason_;
  Tick since_{};
  Tick down_until_{};
  unsigned limit_ = 1;
  Backoff backoff_;
  std::deque<WorkPtr> waiting_;
  std::map<std::uint64_t, WorkPtr> flying_;
  std::deque<Burial> burials_;
  Tick burial_retry_{};
  std::uint64_t next_id_ = 1;
  std::uint64_t next_order_ = 1;
  std::map<std::string, std::uint64_t, std::less<>>
      troubled_;  // groups with errors: events delivered since
  std::optional<Tick> last_delivery_;
  std::string pouring_reason_;  // refusals in a row for one reason
  std::uint64_t pouring_ = 0;
  std::size_t accepted_bytes_ = 0;  // the largest body accepted
  std::size_t refused_bytes_ = 0;   // the smallest refused; 0: none
  Tick limit_probe_{};
  Tick held_until_{};       // too much was refused in a row for one reason
  bool said_down_ = false;  // logged, and nothing was delivered since
  bool stopping_ = false;
  bool closed_ = false;
  std::atomic<bool> discard_{false};

  std::shared_ptr<Mailbox> mailbox_;  // outlives us: a late outcome finds it
  mutable std::mutex status_mutex_;
  LaneStatus status_;
};

}  // namespace tailgate::pipeline
