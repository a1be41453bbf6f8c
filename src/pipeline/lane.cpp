// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lane.h"

#include <utility>

#include "buffers/memory.h"

namespace tailgate::pipeline {

Lane::Lane(SenderRules rules, std::unique_ptr<Sink> sink, DeadLetters& dead_letters,
           metrics::SinkCounters& counters, const Clock& clock, Log log,
           std::function<void()> changed)
    : counters_(counters), sink_(std::move(sink)), changed_(std::move(changed)) {
  buffer_ = std::make_unique<buffers::Memory>([this] { pushed(); });
  sender_ = std::make_unique<Sender>(std::move(rules), *sink_, *buffer_, dead_letters, counters,
                                     clock, std::move(log), [this] { wake(); });
}

Lane::~Lane() {
  stop(Tick{});
  // What was not sent stays before the checkpoint and is read again.
  while (std::optional<Batch> left = buffer_->pop()) left->abandon();
}

void Lane::start() {
  thread_ = std::thread([this] { loop(); });
}

void Lane::wake() {
  {
    const std::lock_guard lock(mutex_);
    called_ = true;
    if (working_) return;
  }
  woken_.notify_one();  // who is woken must not find the lock held
}

void Lane::pushed() {
  if (sink_->waits()) return wake();
  std::unique_lock lock(mutex_);
  called_ = true;
  if (working_ || stop_by_) return;
  work(lock);
  const bool sooner = until_ < asleep_until_;
  called_ = called_ || sooner;  // there is something to wait for: the thread's
  lock.unlock();
  if (sooner) woken_.notify_one();
  changed_();
}

// One at a time, and without the lock, which an outcome takes to call. Who throws here ends the process: nobody would look
// at called_ again.
void Lane::work(std::unique_lock<std::mutex>& lock) noexcept {
  working_ = true;
  while (called_) {
    called_ = false;
    lock.unlock();
    const Tick until = sender_->step();
    lock.lock();
    until_ = until;
  }
  working_ = false;
  if (stop_by_ || asleep_until_ == Tick{}) woken_.notify_one();  // the thread waits for its turn
}

void Lane::loop() {
  const auto due = [this] { return !working_ && (called_ || stop_by_); };
  std::unique_lock lock(mutex_);
  while (!stop_by_) {
    woken_.wait(lock, [this] { return !working_; });
    work(lock);
    lock.unlock();
    changed_();
    lock.lock();
    asleep_until_ = until_;
    if (!woken_.wait_until(lock, asleep_until_, due)) called_ = true;  // its time has come
    asleep_until_ = Tick{};
  }
  woken_.wait(lock, [this] { return !working_; });
  const Tick deadline = *stop_by_;
  lock.unlock();
  sender_->stop(deadline);
}

void Lane::discard() {
  if (!sender_->discard()) wake();
}

void Lane::stop(Tick deadline) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_by_ = deadline;
    woken_.notify_one();
  }
  thread_.join();
}

}  // namespace tailgate::pipeline
