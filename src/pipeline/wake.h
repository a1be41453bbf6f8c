// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace tailgate::pipeline {

/// What the intake loop sleeps on beside its inputs: an eventfd. call() may be made by any thread and by a signal
/// handler; offer() is for lanes after each step and costs next to nothing while the intake is awake.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void call();
  void offer() {
    offered_.store(true);
    if (wanted_.load()) call();
  }
  /// Whether anything was offered since this was asked last. Asked after wanted(true), so that nothing is missed.
  [[nodiscard]] bool offered() { return offered_.exchange(false); }
  /// The intake goes to sleep, or has woken: what was called until now is heard.
  void wanted(bool yes);

 private:
  int fd_;
  std::atomic<bool> wanted_{false};
  std::atomic<bool> offered_{false};
};

}  // namespace tailgate::pipeline
