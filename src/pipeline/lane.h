// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/buffer.h"
#include "core/sink.h"
#include "pipeline/sender.h"

namespace tailgate::pipeline {

/// The delivery loop of one sink: a thread that lets its sender do what can be done, then sleeps until something came.
/// Where the sink never waits, whoever pushes a batch does that itself: handing it to the thread would cost more than
/// sending it, and its bytes are in this processor's cache.
class Lane {
 public:
  /// `changed` is called after the sender did something, by whoever let it: the intake may wait for idle or for credit.
  Lane(SenderRules rules, std::unique_ptr<Sink> sink, DeadLetters& dead_letters,
       metrics::SinkCounters& counters, const Clock& clock, Log log, std::function<void()> changed);
  /// Stops at once when stop() was not called: what is left stays before the checkpoint.
  ~Lane();

  [[nodiscard]] Buffer& buffer() { return *buffer_; }
  void start();
  /// All that was dispatched is settled. Any thread.
  [[nodiscard]] bool idle() const { return counters_.in_flight() == 0; }
  [[nodiscard]] LaneStatus status() const { return sender_->status(); }
  /// Ends attempts by `deadline` and joins the thread.
  void stop(Tick deadline);
  /// Of a lane that is closed: drops what waits and what comes, so that the other lanes can go on. Any thread.
  void discard();
  void wake();

 private:
  void loop();
  void pushed();
  void work(std::unique_lock<std::mutex>& lock) noexcept;

  metrics::SinkCounters& counters_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Buffer> buffer_;
  std::unique_ptr<Sender> sender_;
  std::function<void()> changed_;
  std::mutex mutex_;
  std::condition_variable woken_;
  // Guarded by mutex_.
  bool called_ = true;  // something came that the sender has not looked at
  bool working_ =
      false;             // somebody lets the sender work, and looks at called_ again before the end
  Tick until_{};         // when the sender wants to be called again
  Tick asleep_until_{};  // the thread
  std::optional<Tick> stop_by_;
  std::thread thread_;
};

}  // namespace tailgate::pipeline
