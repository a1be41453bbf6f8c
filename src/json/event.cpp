// SPDX-License-Identifier: Apache-2.0
#include "json/event.h"

#include <array>
#include <charconv>

#include "json/text.h"

namespace tailgate::json {
namespace {

Member* element(const Container& array, std::int64_t index) {
  Member* member = array.first;
  for (std::int64_t i = 0; member != nullptr && i < index; ++i) member = member->next;
  return member;
}

Member* step(const Container& container, Kind kind, const Path::Segment& segment) {
  if (segment.index >= 0) return kind == Kind::array ? element(container, segment.index) : nullptr;
  return kind == Kind::object ? container.find(segment.name) : nullptr;
}

Container* clone_container(const Container& from, Arena& arena) {
  auto* to = arena.make<Container>();
  for (const Member* member = from.first; member != nullptr; member = member->next) {
    auto* copy = arena.make<Member>();
    *copy = *member;
    copy->next = nullptr;
    if (member->value.items != nullptr) {
      copy->value.items = clone_container(*member->value.items, arena);
    }
    to->append(copy);
  }
  to->changed = from.changed;
  return to;
}

}  // namespace

void Container::remove(Member* before, Member* member) {
  if (before == nullptr) {
    first = member->next;
  } else {
    before->next = member->next;
  }
  if (last == member) last = before;
  --size;
  changed = true;
}

const Value* Event::find(const Path& path) const {
  const Container* container = &root_;
  Kind kind = Kind::object;
  const Value* value = nullptr;
  for (const Path::Segment& segment : path.segments()) {
    if (container == nullptr) return nullptr;
    const Member* member = step(*container, kind, segment);
    if (member == nullptr) return nullptr;
    value = &member->value;
    container = value->items;
    kind = value->kind;
  }
  return value;
}

Value* Event::find_to_change(const Path& path) {
  if (find(path) == nullptr) return nullptr;
  Container* container = &root_;
  Kind kind = Kind::object;
  Value* value = nullptr;
  for (const Path::Segment& segment : path.segments()) {
    container->changed = true;
    value = &step(*container, kind, segment)->value;
    container = value->items;
    kind = value->kind;
  }
  if (container != nullptr) container->changed = true;
  return value;
}

bool Event::set(const Path& path, const Value& value) {
  // Look first: nothing may be changed when the path cannot be made.
  const auto& segments = path.segments();
  if (segments.empty()) return false;
  Container* container = &root_;
  Kind kind = Kind::object;
  std::size_t at = 0;
  for (; at < segments.size(); ++at) {
    if (container == nullptr) return false;
    Member* member = step(*container, kind, segments[at]);
    if (member == nullptr) break;
    if (at + 1 == segments.size()) {
      *find_to_change(path) = value;
      return true;
    }
    container = member->value.items;
    kind = member->value.kind;
  }
  if (kind != Kind::object) return false;
  for (std::size_t i = at; i < segments.size(); ++i) {
    if (segments[i].index >= 0) return false;
  }
  root_.changed = true;
  if (at > 0) {
    Container* parent = &root_;
    Kind parent_kind = Kind::object;
    for (std::size_t i = 0; i < at; ++i) {
      Member* member = step(*parent, parent_kind, segments[i]);
      parent_kind = member->value.kind;
      parent = member->value.items;
      parent->changed = true;
    }
  }
  for (; at < segments.size(); ++at) {
    auto* member = arena_->make<Member>();
    // The path may not outlive the event's arena in tests, so its texts are copied.
    member->name = arena_->copy(segments[at].name);
    member->key =
        segments[at].key == segments[at].name ? member->name : arena_->copy(segments[at].key);
    member->value = at + 1 == segments.size() ? value : object_value(*arena_);
    container->append(member);
    container = member->value.items;
  }
  return true;
}

bool Event::remove(const Path& path) {
  const auto& segments = path.segments();
  if (segments.empty() || find(path) == nullptr) return false;
  Container* container = &root_;
  Kind kind = Kind::object;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    container->changed = true;
    Member* member = step(*container, kind, segments[i]);
    container = member->value.items;
    kind = member->value.kind;
  }
  const Member* gone = step(*container, kind, segments.back());
  Member* before = nullptr;
  for (Member* member = container->first; member != gone; member = member->next) before = member;
  container->remove(before, before == nullptr ? container->first : before->next);
  return true;
}

Event Event::clone() const {
  Event copy(*arena_);
  copy.origin = origin;
  copy.duplicate_keys = duplicate_keys;
  copy.root_ = *clone_container(root_, *arena_);
  return copy;
}

std::string_view text_of(const Value& value, Arena& arena) {
  return decode(value.raw.substr(1, value.raw.size() - 2), arena);
}

Value string_value(std::string_view text, Arena& arena) {
  return {Kind::string, encode(text, true, arena), nullptr};
}

Value number_value(std::int64_t number, Arena& arena) {
  std::array<char, 24> digits{};
  const auto [end, problem] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {Kind::number, arena.copy({digits.data(), static_cast<std::size_t>(end - digits.data())}),
          nullptr};
}

Value boolean_value(bool flag) {
  return {Kind::boolean, flag ? "true" : "false", nullptr};
}

Value object_value(Arena& arena) {
  auto* items = arena.make<Container>();
  items->changed = true;
  return {Kind::object, "{}", items};
}

Member* make_member(std::string_view name, const Value& value, Arena& arena) {
  auto* member = arena.make<Member>();
  member->name = name;
  member->key = needs_escape(name) ? encode(name, false, arena) : name;
  member->value = value;
  return member;
}

}  // namespace tailgate::json
