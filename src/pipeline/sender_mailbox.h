// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "core/outcome.h"
#include "pipeline/sender.h"

namespace tailgate::pipeline {

/// Outcomes on their way from a sink's thread to the lane's. Thread-safe.
struct Sender::Mailbox {
  using Letter = std::pair<std::uint64_t, Outcome>;

  explicit Mailbox(std::function<void()> wake_lane) : wake(std::move(wake_lane)) {}

  void put(std::uint64_t id, Outcome outcome) {
    {
      const std::lock_guard lock(mutex);
      letters.emplace_back(id, std::move(outcome));
    }
    wake();
  }
  std::vector<Letter> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(letters, {});
  }

  const std::function<void()> wake;
  std::mutex mutex;
  std::vector<Letter> letters;
};

}  // namespace tailgate::pipeline
