// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "filters/key_table.h"
#include "json/event.h"

namespace tailgate::filters {

/// Builds the nested form of one event after another from its members, each by its plan. Knows by
/// KeyTable's places what stands where, so that nothing is searched for. A member of the event
/// always is in its root or inside something that is, or came into another of the same name.
class Nest {
 public:
  enum class Outcome { done, conflict };

  /// `arrays`: objects made from the names 0, 1, 2, … become arrays at end().
  Nest(KeyTable& table, bool arrays) : table_(table), arrays_(arrays) {}

  /// Empties the event's root: its members come back by stay() and move().
  void begin(json::Event& event);
  /// A member that stays as it is holds its place from the start: others find it taken. `position`:
  /// in the line.
  void reserve(Place& place, json::Member* member, std::int64_t position);
  /// It comes to its turn. Where its place was taken by others, objects merge, else it replaces
  /// what was there.
  void stay(Place& place, json::Member* member, std::int64_t position);
  /// Puts the member's value where its plan says; objects merge. Without `overwrite` a conflict
  /// changes nothing.
  Outcome move(const SplitPlan& plan, json::Member* member, std::int64_t position, bool overwrite);
  void end();

  [[nodiscard]] bool taken(const Place& place) const { return place.event == now_; }
  /// True when this member itself is in the root already.
  [[nodiscard]] bool placed(const Place& place, const json::Member* member) const {
    return taken(place) && place.placed && place.member == member;
  }
  /// Values that were replaced by later ones, in all events.
  [[nodiscard]] std::uint64_t replaced() const { return replaced_; }

 private:
  struct Made {
    json::Member* member;
    json::Container* items;
  };
  bool descend(Place& place, bool overwrite);
  Outcome land(Place& place, const json::Value& value, bool overwrite);
  void make(json::Member& member);
  void enter(Place& place);
  void forget(Place& place);
  void attach(Place* parent, json::Member* member, std::int64_t position);
  bool merges(Place& place, const json::Container& from);
  void merge(Place& place, json::Container& from);

  KeyTable& table_;
  bool arrays_;
  std::uint64_t replaced_ = 0;
  std::uint64_t now_ = 0;  // counts events: places of earlier ones are free
  json::Arena* arena_ = nullptr;
  json::Container* root_ = nullptr;
  std::vector<Made> made_;
};

}  // namespace tailgate::filters
