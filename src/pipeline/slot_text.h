// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "json/arena.h"
#include "json/event.h"
#include "pipeline/key_plans.h"
#include "pipeline/key_text.h"

namespace tailgate::pipeline {

/// The text of an event whose members come in any order, or were changed after they were read: they are noted first, each
/// object's in a list of its own, and written at the end. Intake thread.
class SlotText {
 public:
  /// So many members and objects fit in any case.
  static constexpr std::int32_t kMost = 4056;

  SlotText() : slots_(new Slot[kMaxSlots]) {}

  void begin(std::size_t line_size, Place& root, std::uint64_t now) {
    room_ = line_size;
    used_ = 0;
    now_ = now;
    root_ = &root;
    open(root);
  }

  /// See RunningText. False here: there are too many of them.
  bool copy(PlannedKey& key, const char* text, std::size_t size) {
    if (used_ > kMost) return false;
    Slot& slot = add(*key.place);
    key.slot = used_ - 1;  // behind the objects that it brought
    slot.text = text;
    slot.text_size = static_cast<std::uint32_t>(size);
    return true;
  }
  bool put(PlannedKey& key, std::string_view value);
  bool touch(Place& place) {
    if (used_ > kMost) return false;
    open(place);
    return true;
  }
  [[nodiscard]] bool holds(const Place& place) const { return place.live == now_; }

  /// Takes a member out, after the line was read.
  void take_out(const PlannedKey& key) { slot_of(key).gone = true; }
  /// Puts it back, with this value: copied into `arena` unless it is the one that it had.
  void put_back(const PlannedKey& key, const json::Value& value, json::Arena& arena);
  /// At the end of its object. False: there are too many.
  bool append(Place& place, const json::Member& member, json::Arena& arena);

  /// Valid until the next end().
  std::string_view end();

 private:
  /// One member of the event as it leaves: a piece of text, its first byte to be the separator; or two.
  struct Slot {
    const char* text = nullptr;   // name and value as they stand in the line, or the name alone
    const char* value = nullptr;  // wherever it stands
    Place* inside = nullptr;      // instead of a value
    std::uint32_t text_size = 0;
    std::uint32_t value_size = 0;  // 0: it is part of `text`
    std::int32_t next = -1;
    bool gone = false;  // a filter took it out
  };
  /// One member may bring all the objects that it is in, whether it leaves or not.
  static constexpr std::int32_t kMaxSlots =
      kMost + static_cast<std::int32_t>(KeyPlans::kMaxDepth) + 2;

  void open(Place& place) {
    if (place.opened != now_) open_anew(place);
  }
  void open_anew(Place& place);
  void enliven(Place& place);
  /// A member of the place, without a text yet. Slots are used again: what is not set here, the caller sets.
  Slot& link(Place& place) {
    Slot& added = slots_[static_cast<std::size_t>(used_)];
    *place.link = used_++;
    place.link = &added.next;
    added.next = -1;
    added.inside = nullptr;
    added.value_size = 0;
    added.gone = false;
    return added;
  }
  Slot& add(Place& place) {
    if (place.live != now_) enliven(place);
    return link(place);
  }
  [[nodiscard]] Slot& slot_of(const PlannedKey& key) {
    return slots_[static_cast<std::size_t>(key.slot)];
  }
  std::string_view kept(const json::Value& value, json::Arena& arena);
  char* write(char* out) const;

  std::unique_ptr<Slot[]> slots_;
  std::int32_t used_ = 0;  // of slots_
  std::size_t room_ = 0;   // that the text may need
  std::string written_;    // the value at hand, where a filter made it an object
  std::uint64_t now_ = 0;
  Place* root_ = nullptr;
  std::unique_ptr<char[]> buffer_;
  std::size_t size_ = 0;
};

}  // namespace tailgate::pipeline
