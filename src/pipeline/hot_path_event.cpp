// SPDX-License-Identifier: Apache-2.0
// What filters see of a line on the hot path, and what they made of it.
#include <algorithm>

#include "pipeline/hot_path.h"

namespace tailgate::pipeline {

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

HotPath::Took HotPath::filtered(json::Event& marked) {
  for (const Chain::Step* step : finishers_) {
    if (step->when && !step->when->matches(marked)) continue;
    const Result<Verdict> verdict = step->filter->apply(marked);
    // The general path meets the same error, and has the whole event for what follows from it.
    if (!verdict.has_value()) return Took::general;
    if (*verdict == Verdict::drop) return Took::dropped;
  }
  return Took::event;
}

bool HotPath::changed(const json::Event& marked) const {
  return marked.root().changed ||
         std::any_of(marked_places_.begin(), marked_places_.end(),
                     [](const Place* place) { return place->items.changed; });
}

// Takes over what the filters made of the marked members. False: it is beyond the plans.
bool HotPath::adopt(json::Event& marked) {
  for (const PlannedKey* key : marks_) slots_.take_out(*key);
  std::size_t objects = 0;
  // One that was taken out may hold what no filter saw.
  return adopt_items(marked.root(), plans_.root(), objects) && objects == marked_places_.size();
}

bool HotPath::adopt_items(const json::Container& items, Place& place, std::size_t& objects) {
  for (const json::Member* member = items.first; member != nullptr; member = member->next) {
    if (const PlannedKey* const key = marked_key(member)) {
      slots_.put_back(*key, member->value, *arena_);
    } else if (Place* const inner = marked_place(member)) {
      ++objects;
      if (member->value.items != &inner->items || !adopt_items(inner->items, *inner, objects))
        return false;
    } else if (!slots_.append(place, *member, *arena_)) {
      return false;
    }
  }
  return true;
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

}  // namespace tailgate::pipeline
