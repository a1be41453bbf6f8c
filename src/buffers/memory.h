// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <mutex>

#include "core/buffer.h"

namespace tailgate::buffers {

/// Batches wait in memory, in order. Their bytes are counted against the process's credits, which is what bounds it.
class Memory final : public Buffer {
 public:
  /// `pushed` is called after each push, on the pushing thread, to wake the lane.
  explicit Memory(std::function<void()> pushed) : pushed_(std::move(pushed)) {}

  void push(Batch batch) override;
  std::optional<Batch> pop() override;
  [[nodiscard]] std::size_t events() const override;

 private:
  std::function<void()> pushed_;
  mutable std::mutex mutex_;
  std::deque<Batch> batches_;
  std::size_t events_ = 0;
};

}  // namespace tailgate::buffers
