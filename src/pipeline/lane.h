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
class Lane {
 public:
  /// `changed` is called on the lane's thread after each step: the intake may wait for idle or for credit.
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

  metrics::SinkCounters& counters_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<Buffer> buffer_;
  std::unique_ptr<Sender> sender_;
  std::function<void()> changed_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool called_ = false;          // guarded by mutex_
  std::optional<Tick> stop_by_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace tailgate::pipeline
