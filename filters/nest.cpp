// SPDX-License-Identifier: Apache-2.0
#include "filters/nest.h"

#include <charconv>

namespace tailgate::filters {
namespace {

using json::Container;
using json::Kind;
using json::Member;

/// The names of a plan's segment, alive as long as the event (or the settings).
struct Names {
  std::string_view name;
  std::string_view key;
};

Names names_of(const SplitPlan& plan, std::size_t at, Names flat) {
  if (plan.given != nullptr) {
    const json::Path::Segment& segment = plan.given->segments()[at];
    return {segment.name, segment.key};
  }
  const SplitPlan::Segment& segment = plan.segments[at];
  return {flat.name.substr(segment.name_at, segment.name_size),
          flat.key.substr(segment.key_at, segment.key_size)};
}

/// The index that a name is, or npos.
std::size_t index_of(std::string_view name) {
  constexpr std::size_t kNone = std::string_view::npos;
  if (name.empty() || name.size() > 9 || (name.size() > 1 && name.front() == '0')) return kNone;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  return error == std::errc{} && end == name.data() + name.size() ? index : kNone;
}

/// Names are distinct: if each of n is a number below n, they are 0 … n-1.
void make_array(Member& member, json::Arena& arena) {
  Container& items = *member.value.items;
  for (const Member* each = items.first; each != nullptr; each = each->next) {
    if (index_of(each->name) >= items.size) return;
  }
  auto** order =
      static_cast<Member**>(arena.allocate(items.size * sizeof(Member*), alignof(Member*)));
  for (Member* each = items.first; each != nullptr; each = each->next)
    order[index_of(each->name)] = each;
  const std::uint32_t size = items.size;
  items = Container{};
  items.changed = true;
  for (std::uint32_t i = 0; i < size; ++i) {
    order[i]->name = order[i]->key = {};
    items.append(order[i]);
  }
  member.value.kind = Kind::array;
  member.value.raw = "[]";
}

}  // namespace

void Nest::begin(json::Event& event) {
  ++now_;
  arena_ = &event.arena();
  root_ = &event.root();
  *root_ = Container{};
  root_->changed = true;
  made_.clear();
}

void Nest::end() {
  for (const Made& made : made_) {
    const json::Value& value = made.member->value;
    if (value.kind == Kind::object && value.items == made.items) make_array(*made.member, *arena_);
  }
}

void Nest::reserve(Place& place, Member* member, std::int64_t position) {
  place.event = now_;
  place.member = member;
  place.position = position;
  place.front = nullptr;
  place.placed = false;
  place.entered = false;
}

void Nest::make(Member& member) {
  member.value = json::object_value(*arena_);
  if (arrays_) made_.push_back({&member, member.value.items});
}

/// A member that stays as it is comes to its turn.
void Nest::stay(Place& place, Member* member, std::int64_t position) {
  if (!taken(place)) {
    reserve(place, member, position);
  } else if (place.member != member) {
    // Only where the later key wins: others hold their places from the start.
    (void)land(place, member->value, true);
    return;
  }
  if (!place.placed) root_->append(member);
  place.placed = true;
}

/// Puts the value where the key says. A conflict changes nothing, unless the later key wins.
Nest::Outcome Nest::move(const SplitPlan& plan, Member* member, std::int64_t position,
                         bool overwrite) {
  const auto& segments = plan.segments;
  const std::size_t count = segments.size();
  // What is there already.
  std::size_t at = 0;
  for (; at + 1 < count && taken(*segments[at].place); ++at) {
    if (!descend(*segments[at].place, overwrite)) return Outcome::conflict;
  }
  Place& leaf = *segments.back().place;
  const bool meets = at + 1 == count && taken(leaf);
  if (meets && land(leaf, member->value, overwrite) == Outcome::conflict) {
    return Outcome::conflict;
  }
  // An object of the line that is named again comes where it is named first.
  Place& top = *segments.front().place;
  if (taken(top) && !top.placed) {
    root_->append(top.member);
    top.placed = true;
  }
  for (std::size_t i = 0; i < at; ++i) segments[i].place->member->value.items->changed = true;
  if (meets) return Outcome::done;

  const Names flat{member->name, member->key};
  for (; at < count; ++at) {
    const bool last = at + 1 == count;
    Member* each = last ? member : arena_->make<Member>();
    const Names names = names_of(plan, at, flat);
    each->name = names.name;
    each->key = names.key;
    if (!last) make(*each);
    attach(at == 0 ? nullptr : segments[at - 1].place, each, position);
    Place& place = *segments[at].place;
    reserve(place, each, -1);
    place.placed = true;
    place.entered = !last;  // a new object holds nothing yet
  }
  return Outcome::done;
}

/// Makes sure that `place` is an object whose members' places are known. False: it is no object.
bool Nest::descend(Place& place, bool overwrite) {
  if (place.member->value.kind != Kind::object) {
    if (!overwrite) return false;
    ++replaced_;
    forget(place);
    make(*place.member);
  }
  if (!place.entered) enter(place);
  return true;
}

/// A value comes where there is one already: two objects merge.
Nest::Outcome Nest::land(Place& place, const json::Value& value, bool overwrite) {
  if (place.member->value.kind == Kind::object && value.kind == Kind::object) {
    if (!overwrite && !merges(place, *value.items)) return Outcome::conflict;
    merge(place, *value.items);
    return Outcome::done;
  }
  if (!overwrite) return Outcome::conflict;
  ++replaced_;
  forget(place);
  place.member->value = value;
  return Outcome::done;
}

/// Members of an object that came with the line take their places.
void Nest::enter(Place& place) {
  place.entered = true;
  for (Member* each = place.member->value.items->first; each != nullptr; each = each->next) {
    reserve(table_.inside(place, each->name), each, place.position);
  }
}

/// The places inside no longer hold what they held.
void Nest::forget(Place& place) {
  for (const auto& [name, inner] : place.members) {
    if (!taken(*inner)) continue;
    forget(*inner);
    inner->event = 0;
  }
  place.position = -1;
  place.front = nullptr;
  place.entered = false;
}

void Nest::attach(Place* parent, Member* member, std::int64_t position) {
  if (parent == nullptr) {
    root_->append(member);
    return;
  }
  Container& into = *parent->member->value.items;
  into.changed = true;
  if (parent->position <= position) {
    into.append(member);
    return;
  }
  // The line names this member before the object's own.
  if (parent->front == nullptr) {
    member->next = into.first;
    into.first = member;
    if (into.last == nullptr) into.last = member;
    ++into.size;
  } else {
    member->next = parent->front->next;
    parent->front->next = member;
    if (into.last == parent->front) into.last = member;
    ++into.size;
  }
  parent->front = member;
}

bool Nest::merges(Place& place, const Container& from) {
  if (!place.entered) enter(place);
  for (const Member* each = from.first; each != nullptr; each = each->next) {
    Place& inner = table_.inside(place, each->name);
    if (!taken(inner)) continue;
    const bool objects =
        inner.member->value.kind == Kind::object && each->value.kind == Kind::object;
    if (!objects || !merges(inner, *each->value.items)) return false;
  }
  return true;
}

/// Overwrites where it must: ask merges() first where it must not.
void Nest::merge(Place& place, Container& from) {
  if (!place.entered) enter(place);
  place.member->value.items->changed = true;
  for (Member* each = from.first; each != nullptr;) {
    Member* next = each->next;
    Place& inner = table_.inside(place, each->name);
    if (taken(inner)) {
      (void)land(inner, each->value, true);
    } else {
      place.member->value.items->append(each);
      reserve(inner, each, -1);
    }
    each = next;
  }
}

}  // namespace tailgate::filters
