// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filters/key_split.h"
#include "json/event.h"

namespace tailgate::filters {

/// A path that events have. Says what stands there in the event being worked on: so that finding a
/// container, or that its place is taken, is one comparison instead of a walk over the members.
struct Place {
  std::uint64_t event = 0;  // `member` counts for this event only
  json::Member* member = nullptr;
  std::int64_t position =
      -1;  // where in the line the original stands that holds it; -1: made by the filter
  json::Member* front = nullptr;  // the last one put in front of that original's own members
  bool placed = false;            // top level: it is in the new root already
  bool entered = false;           // the places inside know their members

  /// The place of a member inside this one; made when new.
  Place& inside(std::string_view name, std::size_t& places);

  std::map<std::string, std::unique_ptr<Place>, std::less<>> members;
};

/// What unflatten does with one key, as it stands between its quotes.
struct SplitPlan {
  struct Segment {
    Place* place;
    std::uint32_t name_at, name_size;  // in the member's decoded name
    std::uint32_t key_at, key_size;    // in the member's key, escapes and all
  };
  std::string_view key;
  Place* self = nullptr;              // where it stands when it stays flat
  std::vector<Segment> segments;      // empty: it stays flat
  const json::Path* given = nullptr;  // the segments' texts, where the settings name them
  bool unplaced = false;
  SplitPlan* next = nullptr;  // what followed it in the last event: usually follows again
};

/// Plans by key and the places they lead to. Bounded: clear() it between events when full().
class KeyTable {
 public:
  explicit KeyTable(const KeySplit& split) : split_(&split) { clear(); }

  /// `before` is the plan of the key in front (or head()).
  SplitPlan* plan(const json::Member& member, SplitPlan* before) {
    SplitPlan* guess = before->next;
    if (guess == nullptr || guess->key != member.key) {
      guess = look_up(member);
      before->next = guess;
    }
    return guess;
  }
  SplitPlan* head() { return &head_; }
  Place& inside(Place& place, std::string_view name) { return place.inside(name, places_); }
  [[nodiscard]] bool full() const;
  void clear();

 private:
  struct Hash {
    // NOLINTNEXTLINE(readability-identifier-naming): the standard library looks for it
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  SplitPlan* look_up(const json::Member& member);
  void make(const json::Member& member, SplitPlan& plan);

  const KeySplit* split_;
  std::unordered_map<std::string, SplitPlan, Hash, std::equal_to<>> plans_;
  SplitPlan head_;
  std::unique_ptr<Place> root_;
  std::size_t places_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tailgate::filters
