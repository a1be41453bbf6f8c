// SPDX-License-Identifier: Apache-2.0
// What filters see of a line on the hot path, what they made of it, and the event's text.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <tuple>

#include "json/write.h"
#include "pipeline/hot_path.h"

namespace tailgate::pipeline {
namespace {

/// As deep as KeyPlans puts values, and one.
constexpr std::size_t kMaxDepth = 33;
constexpr std::size_t kVector = 64;

// Copies in whole vectors: up to kVector - 1 bytes more are read and written.
inline char* copied(char* out, const char* from, std::size_t size) {
  std::memcpy(out, from, kVector);
  for (std::size_t at = kVector; at < size; at += kVector)
    std::memcpy(out + at, from + at, kVector);
  return out + size;
}

}  // namespace

// Puts the member where filters and conditions find it.
void HotPath::mark(PlannedKey& key, std::string_view value, json::Kind kind, json::Event& marked) {
  key.member.value = {kind, value, nullptr};
  marked_items(*key.place, marked).append(&key.member);
  marks_.push_back(&key);
}

json::Container& HotPath::marked_items(Place& place, json::Event& marked) {
  if (place.parent == nullptr) return marked.root();
  if (place.marked != now_) {
    place.marked = now_;
    place.items = {};
    place.self.value = {json::Kind::object, "{}", &place.items};
    marked_items(*place.parent, marked).append(&place.self);
    marked_places_.push_back(&place);
  }
  return place.items;
}

HotPath::Took HotPath::finish(json::Event& marked) {
  for (const Chain::Step* step : finishers_) {
    if (step->when && !step->when->matches(marked)) continue;
    const Result<Verdict> verdict = step->filter->apply(marked);
    // The general path meets the same error, and has the whole event for what follows from it.
    if (!verdict.has_value()) return Took::general;
    if (*verdict == Verdict::drop) return Took::dropped;
  }
  const bool changed =
      marked.root().changed || std::any_of(marked_places_.begin(), marked_places_.end(),
                                           [](const Place* place) { return place->items.changed; });
  if (changed && !adopt(marked)) return Took::general;
  write();
  return Took::event;
}

// Takes over what the filters made of the marked members. False: it is beyond the plans.
bool HotPath::adopt(json::Event& marked) {
  for (PlannedKey* key : marks_) slots_[static_cast<std::size_t>(key->slot)].gone = true;
  std::size_t objects = 0;
  // One that was taken out may hold what no filter saw.
  return adopt_items(marked.root(), plans_.root(), objects) && objects == marked_places_.size();
}

bool HotPath::adopt_items(const json::Container& items, Place& place, std::size_t& objects) {
  for (const json::Member* member = items.first; member != nullptr; member = member->next) {
    if (PlannedKey* const key = marked_key(member)) {
      Slot& slot = slots_[static_cast<std::size_t>(key->slot)];
      slot.gone = false;
      if (member->value.items != nullptr || member->value.raw.data() != slot.value) {
        slot.text = key->leaf.bytes;
        slot.text_size = key->leaf.size;
        std::tie(slot.value, slot.value_size) = kept(member->value);
      }
    } else if (Place* const inner = marked_place(member)) {
      ++objects;
      if (member->value.items != &inner->items || !adopt_items(inner->items, *inner, objects))
        return false;
    } else if (!adopt_new(*member, place)) {
      return false;
    }
  }
  return true;
}

// A member that a filter made: at the end of its object.
bool HotPath::adopt_new(const json::Member& member, Place& place) {
  if (used_ == kMaxSlots) return false;
  const std::size_t name_size = member.key.size() + 4;
  char* name = arena_->bytes(name_size + kVector);
  std::memcpy(name, ",\"", 2);
  std::memcpy(name + 2, member.key.data(), member.key.size());
  std::memcpy(name + 2 + member.key.size(), "\":", 2);
  room_ += name_size;
  const auto [value, value_size] = kept(member.value);
  add_slot(place, {.text = name,
                   .value = value,
                   .text_size = static_cast<std::uint32_t>(name_size),
                   .value_size = value_size});
  return true;
}

// The value's text, where write() may copy it from.
std::pair<const char*, std::uint32_t> HotPath::kept(const json::Value& value) {
  std::string_view raw = value.raw;
  std::string written;
  if (value.items != nullptr) {
    json::write(value, written);
    raw = written;
  }
  char* copy = arena_->bytes(raw.size() + kVector);
  std::memcpy(copy, raw.data(), raw.size());
  room_ += raw.size();
  return {copy, static_cast<std::uint32_t>(raw.size())};
}

PlannedKey* HotPath::marked_key(const json::Member* member) {
  for (PlannedKey* key : marks_) {
    if (&key->member == member) return key;
  }
  return nullptr;
}

Place* HotPath::marked_place(const json::Member* member) {
  for (Place* place : marked_places_) {
    if (&place->self == member) return place;
  }
  return nullptr;
}

void HotPath::write() {
  const std::size_t need = room_ + 2 * kVector;
  if (buffer_size_ < need) {
    buffer_size_ = 2 * need;
    // Not value-initialised: it is written before it is read.
    buffer_.reset(new char[buffer_size_]);
  }
  char* out = buffer_.get();
  std::array<std::int32_t, kMaxDepth> above{};
  std::size_t depth = 0;
  char separator = '{';
  std::int32_t at = plans_.root().first;
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
    if (depth == 0) break;
    at = above[--depth];
  }
  text_ = {buffer_.get(), static_cast<std::size_t>(out - buffer_.get())};
}

}  // namespace tailgate::pipeline
