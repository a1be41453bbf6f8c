// SPDX-License-Identifier: Apache-2.0
// Reading a line by its keys' plans. What filters see of it, and how it is written, is in hot_path_event.cpp.
#include "pipeline/hot_path.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "json/parse.h"
#include "json/scalar.h"

namespace tailgate::pipeline {
namespace {

using json::Kind;

/// After so many lines in a row that are none of its own, it looks at one in kRest.
constexpr std::uint32_t kSurprises = 64;
constexpr std::uint32_t kRest = 1024;
/// One member may bring all the objects that it is in.
constexpr std::int32_t kSlotsAtOnce = 40;

std::vector<const Chain::Step*> steps_of(const std::vector<const Chain*>& chains) {
  std::vector<const Chain::Step*> steps;
  for (const Chain* chain : chains) {
    for (const Chain::Step& step : chain->steps()) steps.push_back(&step);
  }
  return steps;
}

// Filters that go by the keys alone must come first, and apply to every event.
bool can_plan(const std::vector<const Chain::Step*>& steps) {
  bool finishing = false;
  for (const Chain::Step* step : steps) {
    const Filter::Reach reach = step->filter->reach();
    if (reach == Filter::Reach::whole) return false;
    if (reach == Filter::Reach::keys && (finishing || step->when)) return false;
    finishing = finishing || reach == Filter::Reach::marked;
  }
  return true;
}

}  // namespace

HotPath::HotPath(Rules rules)
    : usable_(rules.enabled && can_plan(steps_of(rules.chains))),
      plans_(steps_of(rules.chains), std::move(rules.reads), rules.foreign),
      slots_(new Slot[kMaxSlots]) {
  for (const Chain::Step* step : steps_of(rules.chains)) {
    if (step->filter->reach() == Filter::Reach::marked) finishers_.push_back(step);
  }
}

HotPath::Took HotPath::take(std::string_view line, json::Event& marked) {
  if (!usable_) return Took::general;
  if (rest_ > 0) {
    --rest_;
    return Took::general;
  }
  if (plans_.full()) plans_.clear();
  ++now_;
  line_ = line.data();
  size_ = line.size();
  room_ = size_;
  arena_ = &marked.arena();
  used_ = 0;
  marks_.clear();
  marked_places_.clear();
  emptied_.clear();
  counted_.clear();
  const Took took =
      scanner_.index(line) && read(marked) && !emptied() ? finish(marked) : Took::general;
  if (took != Took::general) {
    surprises_ = 0;
    for (metrics::Counter* counter : counted_) counter->add();
    return took;
  }
  marked.root() = {};
  if (++surprises_ >= kSurprises) rest_ = kRest;
  return took;
}

// Whether an object is empty now that something was taken out of: filters differ in what becomes of it.
bool HotPath::emptied() const {
  return std::any_of(emptied_.begin(), emptied_.end(),
                     [this](const Place* place) { return place->live != now_; });
}

// At and behind the line's end stands anything: what is read there is never believed.
bool HotPath::read(json::Event& marked) {
  std::size_t at = skip_spaces(0);
  if (at >= size_ || line_[at] != '{') return false;
  at = skip_spaces(at + 1);
  open(plans_.root());
  PlannedKey* key = &plans_.head();
  Token value;
  while (true) {
    key = key_at(at, *key);
    if (key == nullptr || key->general || key->now == now_) return false;
    key->now = now_;
    if (!value_at(skip_spaces(at), value) || !put(*key, value, marked)) return false;
    at = skip_spaces(value.end);
    if (at >= size_ || used_ > kMaxSlots - kSlotsAtOnce) return false;
    if (line_[at] != ',') break;
    at = skip_spaces(at + 1);
  }
  return line_[at] == '}' && skip_spaces(at + 1) == size_;
}

// Nearly every key is the one that followed the last one before.
PlannedKey* HotPath::key_at(std::size_t& at, PlannedKey& before) {
  PlannedKey* const guess = before.next[0];
  if (guess != nullptr && stands_at(at, guess->match)) {
    at += guess->match.size;
    return guess;
  }
  PlannedKey* const other = before.next[1];
  if (other != nullptr && stands_at(at, other->match)) {
    at += other->match.size;
    std::swap(before.next[0], before.next[1]);
    return other;
  }
  return look_up(at, before);
}

PlannedKey* HotPath::look_up(std::size_t& at, PlannedKey& before) {
  if (line_[at] != '"') return nullptr;
  const std::size_t begin = at + 1;
  const std::size_t end = scanner_.quote_from(begin);
  if (end >= size_ || scanner_.has_escape(begin, end)) return nullptr;
  at = skip_spaces(end + 1);
  if (line_[at] != ':' || plans_.full()) return nullptr;
  ++at;
  PlannedKey& found = plans_.find({line_ + begin, end - begin});
  if (before.next[0] != &found) {
    before.next[1] = before.next[0];
    before.next[0] = &found;
  }
  return &found;
}

// One token by RFC 8259; false where it is none, or an object or array.
bool HotPath::value_at(std::size_t at, Token& token) const {
  token.begin = at;
  switch (line_[at]) {
    case '"': {
      const std::size_t quote = scanner_.quote_from(at + 1);
      if (quote >= size_) return false;
      token.kind = Kind::string;
      token.end = quote + 1;
      return !scanner_.has_escape(at + 1, quote) ||
             json::bad_escape({line_ + at + 1, quote - at - 1}) == std::string_view::npos;
    }
    case 'n':
      token.kind = Kind::null;
      token.end = at + 4;
      return std::memcmp(line_ + at, "null", 4) == 0;
    case 't':
      token.kind = Kind::boolean;
      token.end = at + 4;
      return std::memcmp(line_ + at, "true", 4) == 0;
    case 'f':
      token.kind = Kind::boolean;
      token.end = at + 5;
      return std::memcmp(line_ + at, "false", 5) == 0;
    default:
      return number_at(at, token);
  }
}

// RFC 8259, section 6.
bool HotPath::number_at(std::size_t at, Token& token) const {
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < size_ && static_cast<unsigned char>(line_[at] - '0') < 10) ++at;
    return at > begin;
  };
  if (line_[at] == '-') ++at;
  if (line_[at] == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (line_[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (line_[at] == 'e' || line_[at] == 'E') {
    ++at;
    if (line_[at] == '+' || line_[at] == '-') ++at;
    if (!digits()) return false;
  }
  token.kind = Kind::number;
  token.end = at;
  return at < size_;
}

bool HotPath::put(PlannedKey& key, Token token, json::Event& marked) {
  if (key.counted != nullptr) counted_.push_back(key.counted);
  const std::size_t size = token.end - token.begin;
  bool drop = token.kind == Kind::null && key.drop_null;
  if ((key.drop_dash || key.drop_empty_text) && token.kind == Kind::string && size <= 8) {
    if (scanner_.has_escape(token.begin, token.end)) return false;
    const bool unwanted = (key.drop_empty_text && size == 2) ||
                          (key.drop_dash && size == 3 && line_[token.begin + 1] == '-');
    if (unwanted && key.converts_first) return false;
    drop = drop || unwanted;
  }
  if (drop || key.place == nullptr) {
    if (key.opens == nullptr) return true;
    open(*key.opens);
    if (!drop) emptied_.push_back(key.opens);
    return true;
  }
  if (key.convert != KeyPlan::Convert::none && !converts(key, token)) return false;
  room_ += key.room;
  open(*key.place);
  key.slot = used_;
  add_slot(*key.place, {.name = key.leaf.bytes,
                        .value = line_ + token.begin,
                        .name_size = key.leaf.size,
                        .value_size = static_cast<std::uint32_t>(token.end - token.begin)});
  if (key.read) mark(key, token, marked);
  return true;
}

// What does not convert is counted, and what must be written anew is made: both by the filter itself.
bool HotPath::converts(const PlannedKey& key, Token& token) const {
  using To = KeyPlan::Convert;
  const auto whole = [](std::string_view number) {
    return number.find_first_of(".eE") == std::string_view::npos;
  };
  const std::string_view raw{line_ + token.begin, token.end - token.begin};
  switch (token.kind) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return key.convert == To::boolean;
    case Kind::number:
      return key.convert == To::number || (key.convert == To::integer && whole(raw));
    default:
      break;
  }
  if (key.convert == To::string) return true;
  if (scanner_.has_escape(token.begin, token.end)) return false;
  const std::string_view text = raw.substr(1, raw.size() - 2);
  if (key.convert == To::boolean) {
    if (text != "true" && text != "false") return false;
    token.kind = Kind::boolean;
  } else {
    if (!json::is_number(text) || (key.convert == To::integer && !whole(text))) return false;
    token.kind = Kind::number;
  }
  ++token.begin;
  --token.end;
  return true;
}

// Makes the place part of this event, and what it is in.
void HotPath::open(Place& place) {
  if (place.opened == now_) return;
  place.opened = now_;
  place.first = -1;
  place.last = -1;
  if (place.parent == nullptr) return;
  open(*place.parent);
  room_ += place.opening.size + 2;
  link(*place.parent,
       {.name = place.opening.bytes, .inside = &place, .name_size = place.opening.size});
}

void HotPath::link(Place& place, const Slot& slot) {
  slots_[static_cast<std::size_t>(used_)] = slot;
  (place.last < 0 ? place.first : slots_[static_cast<std::size_t>(place.last)].next) = used_;
  place.last = used_++;
}

void HotPath::add_slot(Place& place, const Slot& slot) {
  link(place, slot);
  for (Place* live = &place; live != nullptr && live->live != now_; live = live->parent)
    live->live = now_;
}

}  // namespace tailgate::pipeline
