// SPDX-License-Identifier: Apache-2.0
#include "filters/key_table.h"

#include <array>
#include <cstdlib>

namespace tailgate::filters {
namespace {

constexpr std::size_t kMaxPlans = 4096;
constexpr std::size_t kMaxPlaces = 4 * kMaxPlans;
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

std::uint32_t hex4(std::string_view text) {
  return static_cast<std::uint32_t>(
      std::strtoul(std::string(text.substr(0, 4)).c_str(), nullptr, 16));
}

struct Step {
  std::size_t key;   // bytes in the key
  std::size_t name;  // bytes they decode to
};

/// The next character of a key that was checked. Lone surrogates decode to U+FFFD, three bytes like
/// most of the plane.
Step step(std::string_view key) {
  if (key.front() != '\\') return {1, 1};
  if (key[1] != 'u') return {2, 1};
  const std::uint32_t unit = hex4(key.substr(2));
  if (unit < 0x80) return {6, 1};
  if (unit < 0x800) return {6, 2};
  if (unit >= 0xD800 && unit < 0xDC00 && key.substr(6).starts_with("\\u")) {
    const std::uint32_t low = hex4(key.substr(8));
    if (low >= 0xDC00 && low < 0xE000) return {12, 4};
  }
  return {6, 3};
}

/// Finds in the key what the names are slices of, so that its escapes stay as they came.
void place_in_key(std::string_view key, std::vector<SplitPlan::Segment>& segments) {
  std::size_t key_at = 0;
  std::size_t name_at = 0;
  const auto advance = [&](std::size_t until) {
    while (name_at < until && key_at < key.size()) {
      const Step taken = step(key.substr(key_at));
      key_at += taken.key;
      name_at += taken.name;
    }
    return static_cast<std::uint32_t>(key_at);
  };
  for (SplitPlan::Segment& segment : segments) {
    segment.key_at = advance(segment.name_at);
    segment.key_size = advance(segment.name_at + segment.name_size) - segment.key_at;
  }
}

}  // namespace

Place& Place::inside(std::string_view name, std::size_t& places) {
  const auto found = members.find(name);
  if (found != members.end()) return *found->second;
  ++places;
  return *members.emplace(std::string(name), std::make_unique<Place>()).first->second;
}

bool KeyTable::full() const {
  return plans_.size() > kMaxPlans || places_ > kMaxPlaces || bytes_ > kMaxBytes;
}

void KeyTable::clear() {
  plans_.clear();
  head_ = {};
  root_ = std::make_unique<Place>();
  places_ = 0;
  bytes_ = 0;
}

SplitPlan* KeyTable::look_up(const json::Member& member) {
  const auto found = plans_.find(member.key);
  if (found != plans_.end()) return &found->second;
  const auto made = plans_.emplace(std::string(member.key), SplitPlan{}).first;
  made->second.key = made->first;
  bytes_ += member.key.size();
  make(member, made->second);
  return &made->second;
}

void KeyTable::make(const json::Member& member, SplitPlan& plan) {
  const KeySplit::Answer answer = split_->split(member.name);
  plan.self = &inside(*root_, member.name);
  plan.unplaced = answer.unplaced;
  plan.given = answer.given;
  Place* place = root_.get();
  if (answer.given != nullptr) {
    for (const json::Path::Segment& segment : answer.given->segments()) {
      place = &inside(*place, segment.name);
      plan.segments.push_back({place, 0, 0, 0, 0});
    }
    return;
  }
  for (const std::string_view name : answer.names) {
    place = &inside(*place, name);
    const auto at = static_cast<std::uint32_t>(name.data() - member.name.data());
    const auto size = static_cast<std::uint32_t>(name.size());
    plan.segments.push_back({place, at, size, at, size});
  }
  if (member.key.find('\\') != std::string_view::npos) place_in_key(member.key, plan.segments);
}

}  // namespace tailgate::filters
