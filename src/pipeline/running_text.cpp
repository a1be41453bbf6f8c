// SPDX-License-Identifier: Apache-2.0
#include "pipeline/running_text.h"

namespace tailgate::pipeline {

void RunningText::grow(std::size_t size) {
  size_ = 2 * size;
  // Not value-initialised: it is written before it is read.
  buffer_.reset(new char[size_]);
}

// Opens `place`, and closes what it is not in. False: it was closed before, or its turn was earlier, or there is no room.
bool RunningText::enter(Place& place) {
  if (place.opened == now_) return leave_to(place);
  // An object stands where its first member stood, though that one did not leave.
  if (place.touched == now_ && place.touched_at != out_) return false;
  if (place.parent != here_ && !enter(*place.parent)) return false;
  if (!spend(place.opening.size + 2)) return false;
  ++count_;
  place.opened = now_;
  here_ = &place;
  char* const first = out_;
  out_ = copied(first, place.opening.bytes, place.opening.size);
  first[0] = separator_;
  separator_ = '{';
  return true;
}

// Closes what stands in `place`, which this event has.
bool RunningText::leave_to(Place& place) {
  if (place.closed == now_) return false;
  for (; here_ != &place; here_ = here_->parent) {
    *out_++ = '}';
    here_->closed = now_;
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
