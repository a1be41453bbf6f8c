// SPDX-License-Identifier: Apache-2.0
#include "buffers/memory.h"

namespace tailgate::buffers {

void Memory::push(Batch batch) {
  {
    const std::lock_guard lock(mutex_);
    events_ += batch.size();
    batches_.push_back(std::move(batch));
  }
  pushed_();
}

std::optional<Batch> Memory::pop() {
  const std::lock_guard lock(mutex_);
  if (batches_.empty()) return std::nullopt;
  std::optional<Batch> batch(std::move(batches_.front()));
  batches_.pop_front();
  events_ -= batch->size();
  return batch;
}

std::size_t Memory::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace tailgate::buffers
