// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace tailgate::pipeline {

/// What the intake loop sleeps on beside its inputs: an eventfd. call() may be made by any thread and by a signal
/// handler; offer() is for lanes after each step and costs nothing while the intake is awake.
class Wake {
 public:
  Wake();
  ~Wake();
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void call();
  void offer() {
    if (wanted_.load()) call();
  }
  /// The intake goes to sleep, or has woken: what was called until now is heard.
  void wanted(bool yes);

 private:
  int fd_;
  std::atomic<bool> wanted_{false};
};

}  // namespace tailgate::pipeline
