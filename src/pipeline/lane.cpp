// SPDX-License-Identifier: Apache-2.0
#include "pipeline/lane.h"

#include <utility>

#include "buffers/memory.h"

namespace tailgate::pipeline {

Lane::Lane(SenderRules rules, std::unique_ptr<Sink> sink, DeadLetters& dead_letters,
           metrics::SinkCounters& counters, const Clock& clock, Log log,
           std::function<void()> changed)
    : counters_(counters), sink_(std::move(sink)), changed_(std::move(changed)) {
  buffer_ = std::make_unique<buffers::Memory>([this] { wake(); });
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
  }
  woken_.notify_one();  // who is woken must not find the lock held
}

void Lane::loop() {
  while (true) {
    const Tick until = sender_->step();
    changed_();
    std::unique_lock lock(mutex_);
    if (stop_by_) break;
    woken_.wait_until(lock, until, [this] { return called_ || stop_by_; });
    called_ = false;
  }
  Tick deadline;
  {
    const std::lock_guard lock(mutex_);
    deadline = *stop_by_;
  }
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
