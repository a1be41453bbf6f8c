// SPDX-License-Identifier: Apache-2.0
#include "pipeline/running_text.h"

#include <array>

namespace tailgate::pipeline {

void RunningText::grow(std::size_t size) {
  size_ = 2 * size;
  // Not value-initialised: it is written before it is read.
  buffer_.reset(new char[size_]);
}

// Closes what `place` is not in, and opens what it is in. False: that was closed before, or its turn was earlier.
bool RunningText::enter(Place& place) {
  std::array<Place*, KeyPlans::kMaxDepth + 1> opening;
  std::size_t count = 0;
  Place* open = &place;
  for (; open->opened != now_; open = open->parent) {
    // An object stands where its first member stood, though that one did not leave.
    if (open->touched == now_ && open->touched_at != out_) return false;
    opening[count++] = open;
  }
  if (open->closed == now_) return false;
  count_ += count;
  for (; here_ != open; here_ = here_->parent) {
    *out_++ = '}';
    here_->closed = now_;
  }
  while (count > 0) {
    Place& next = *opening[--count];
    if (!spend(next.opening.size + 2)) return false;
    next.opened = now_;
    here_ = &next;
    char* const first = out_;
    out_ = copied(first, next.opening.bytes, next.opening.size);
    first[0] = separator_;
    separator_ = '{';
  }
  return true;
}

bool RunningText::put(PlannedKey& key, std::string_view value) {
  if (!spend(key.leaf.size + value.size())) return false;
  if (!copy(key, key.leaf.bytes, key.leaf.size)) return false;
  out_ = copied(out_, value.data(), value.size());
  return true;
}

bool RunningText::touch(Place& place) {
  for (Place* at = &place; at->opened != now_ && at->touched != now_; at = at->parent) {
    at->touched = now_;
    at->touched_at = out_;
    ++count_;
  }
  return true;
}

std::string_view RunningText::end() {
  if (separator_ == '{') *out_++ = '{';
  for (; here_ != nullptr; here_ = here_->parent) *out_++ = '}';
  return {buffer_.get(), static_cast<std::size_t>(out_ - buffer_.get())};
}

}  // namespace tailgate::pipeline
