// SPDX-License-Identifier: Apache-2.0
#include "pipeline/slot_text.h"

#include <array>
#include <cstring>

#include "json/write.h"

namespace tailgate::pipeline {

bool SlotText::put(PlannedKey& key, std::string_view value) {
  if (used_ > kMost) return false;
  room_ += key.room;
  Slot& slot = add(*key.place);
  key.slot = used_ - 1;
  slot.text = key.leaf.bytes;
  slot.text_size = key.leaf.size;
  slot.value = value.data();
  slot.value_size = static_cast<std::uint32_t>(value.size());
  return true;
}

// Makes the place part of this event, and what it is in.
void SlotText::open_anew(Place& place) {
  place.opened = now_;
  place.first = -1;
  place.link = &place.first;
  if (place.parent == nullptr) return;
  open(*place.parent);
  room_ += place.opening.size + 2;
  Slot& slot = link(*place.parent);
  slot.text = place.opening.bytes;
  slot.text_size = place.opening.size;
  slot.inside = &place;
}

// Something leaves in it.
void SlotText::enliven(Place& place) {
  open(place);
  for (Place* live = &place; live != nullptr && live->live != now_; live = live->parent)
    live->live = now_;
}

void SlotText::put_back(const PlannedKey& key, const json::Value& value, json::Arena& arena) {
  Slot& slot = slot_of(key);
  slot.gone = false;
  const char* const came = slot.value_size > 0 ? slot.value : slot.text + key.tail + 2;
  if (value.items == nullptr && value.raw.data() == came) return;
  slot.text = key.leaf.bytes;
  slot.text_size = key.leaf.size;
  const std::string_view text = kept(value, arena);
  slot.value = text.data();
  slot.value_size = static_cast<std::uint32_t>(text.size());
}

bool SlotText::append(Place& place, const json::Member& member, json::Arena& arena) {
  if (used_ > kMost) return false;
  const std::size_t name_size = member.key.size() + 4;
  char* name = arena.bytes(name_size + Literal::kOver);
  std::memcpy(name, ",\"", 2);
  std::memcpy(name + 2, member.key.data(), member.key.size());
  std::memcpy(name + 2 + member.key.size(), "\":", 2);
  room_ += name_size;
  const std::string_view value = kept(member.value, arena);
  Slot& slot = add(place);
  slot.text = name;
  slot.text_size = static_cast<std::uint32_t>(name_size);
  slot.value = value.data();
  slot.value_size = static_cast<std::uint32_t>(value.size());
  return true;
}

// The value's text, where write() may copy it from.
std::string_view SlotText::kept(const json::Value& value, json::Arena& arena) {
  std::string_view raw = value.raw;
  if (value.items != nullptr) {
    written_.clear();
    json::write(value, written_);
    raw = written_;
  }
  char* copy = arena.bytes(raw.size() + Literal::kOver);
  std::memcpy(copy, raw.data(), raw.size());
  room_ += raw.size();
  return {copy, raw.size()};
}

std::string_view SlotText::end() {
  const std::size_t need = room_ + 2 * Literal::kOver;
  if (size_ < need) {
    size_ = 2 * need;
    // Not value-initialised: it is written before it is read.
    buffer_.reset(new char[size_]);
  }
  return {buffer_.get(), static_cast<std::size_t>(write(buffer_.get()) - buffer_.get())};
}

char* SlotText::write(char* out) const {
  std::array<std::int32_t, KeyPlans::kMaxDepth + 1> above{};
  std::size_t depth = 0;
  char separator = '{';
  std::int32_t at = root_->first;
  while (true) {
    while (at >= 0) {
      const Slot& slot = slots_[static_cast<std::size_t>(at)];
      at = slot.next;
      if (slot.gone || (slot.inside != nullptr && slot.inside->live != now_)) continue;
      char* const first = out;
      out = copied(out, slot.text, slot.text_size);
      first[0] = separator;
      first[1] = '"';
      if (slot.inside == nullptr) {
        if (slot.value_size > 0) out = copied(out, slot.value, slot.value_size);
        separator = ',';
      } else {
        separator = '{';
        above[depth++] = at;
        at = slot.inside->first;
      }
    }
    if (separator == '{') *out++ = '{';
    *out++ = '}';
    separator = ',';
    if (depth == 0) return out;
    at = above[--depth];
  }
}

}  // namespace tailgate::pipeline
