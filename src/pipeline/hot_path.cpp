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
/// "-", however it is escaped.
constexpr std::size_t kLongestDash = 8;

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
  if (!usable_ || line.size() > kMaxLine) return Took::general;
  if (rest_ > 0) {
    --rest_;
    return Took::general;
  }
  if (plans_.full()) plans_.clear();
  ++now_;
  room_ = line.size();
  arena_ = &marked.arena();
  used_ = 0;
  marks_.clear();
  marked_places_.clear();
  emptied_.clear();
  counted_.clear();
  const Took took =
      scanner_.index(line) && read(line, marked) && !emptied() ? finish(marked) : Took::general;
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

// Nearly every key is the one that followed the last one before.
[[gnu::always_inline]] inline PlannedKey* HotPath::key_at(std::string_view line, std::size_t& at,
                                                          PlannedKey& before) {
  for (PlannedKey* const guess : before.next) {
    if (guess == nullptr) break;
    const std::size_t end = at + guess->match.whole.size;
    if (end > line.size() || !guess->match.stands_at(line.data() + at)) continue;
    at = end;
    if (guess != before.next[0]) std::swap(before.next[0], before.next[1]);
    return guess;
  }
  return look_up(line, at, before);
}

PlannedKey* HotPath::look_up(std::string_view line, std::size_t& at, PlannedKey& before) {
  const char* const text = line.data();
  if (text[at] != '"') return nullptr;
  const std::size_t begin = at + 1;
  const std::size_t end = scanner_.quote_from(begin);
  if (end >= line.size() || scanner_.has_escape(begin, end)) return nullptr;
  at = skip_spaces(line, end + 1);
  if (at >= line.size() || text[at] != ':' || plans_.full()) return nullptr;
  ++at;
  PlannedKey& found = plans_.find({text + begin, end - begin});
  if (before.next[0] != &found) {
    before.next[1] = before.next[0];
    before.next[0] = &found;
  }
  return &found;
}

// One token by RFC 8259; one without an end where it is none, or an object or array.
[[gnu::always_inline]] inline HotPath::Token HotPath::value_at(std::string_view line,
                                                               std::size_t at) const {
  const char* const text = line.data();
  const auto token = [at](Kind kind, std::size_t end) {
    return Token{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end), kind};
  };
  const auto word = [&](Kind kind, std::string_view letters) {
    const bool there = std::memcmp(text + at, letters.data(), letters.size()) == 0;
    return token(kind, there ? at + letters.size() : 0);
  };
  switch (text[at]) {
    case '"': {
      const std::size_t quote = scanner_.quote_from(at + 1);
      if (quote >= line.size()) return {};
      const bool good =
          !scanner_.has_escape(at + 1, quote) ||
          json::bad_escape(line.substr(at + 1, quote - at - 1)) == std::string_view::npos;
      return token(Kind::string, good ? quote + 1 : 0);
    }
    case 'n':
      return word(Kind::null, "null");
    case 't':
      return word(Kind::boolean, "true");
    case 'f':
      return word(Kind::boolean, "false");
    default:
      return number_at(line, at);
  }
}

// RFC 8259, section 6.
[[gnu::always_inline]] inline HotPath::Token HotPath::number_at(std::string_view line,
                                                                std::size_t at) {
  const char* const text = line.data();
  const std::size_t begin = at;
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < line.size() && static_cast<unsigned char>(text[at] - '0') < 10) ++at;
    return at > first;
  };
  if (text[at] == '-') ++at;
  if (text[at] == '0') {
    ++at;
  } else if (!digits()) {
    return {};
  }
  if (text[at] == '.') {
    ++at;
    if (!digits()) return {};
  }
  if (text[at] == 'e' || text[at] == 'E') {
    ++at;
    if (text[at] == '+' || text[at] == '-') ++at;
    if (!digits()) return {};
  }
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at), Kind::number};
}

// A member leaves with the very bytes that it came with: its leaf's name, and the value behind it.
[[gnu::always_inline]] inline void HotPath::keep(const PlannedKey& key, const char* text,
                                                 std::size_t size) {
  add_slot(*key.place, {.text = text, .text_size = static_cast<std::uint32_t>(size)});
}

// At and behind the line's end stands anything: what is read there is never believed.
bool HotPath::read(std::string_view line, json::Event& marked) {
  std::size_t at = skip_spaces(line, 0);
  if (at >= line.size() || line[at] != '{') return false;
  at = skip_spaces(line, at + 1);
  open(plans_.root());
  PlannedKey* key = &plans_.head();
  while (true) {
    const std::size_t begin = at;
    key = key_at(line, at, *key);
    if (key == nullptr || key->general || key->now == now_) return false;
    key->now = now_;
    const std::size_t behind = begin + key->match.whole.size;  // spaces would be in between
    const Token value = value_at(line, skip_spaces(line, at));
    if (value.end == 0 || value.end >= line.size()) return false;  // a brace must follow it
    const bool droppable =
        value.kind == Kind::null || (key->drop_short && value.end - value.begin <= kLongestDash);
    if (key->plain && value.begin == behind && !droppable) {
      keep(*key, line.data() + behind - key->tail - 2, value.end - behind + key->tail + 2);
    } else if (!put(line, *key, behind, value, marked)) {
      return false;
    }
    at = skip_spaces(line, value.end);
    if (at >= line.size() || used_ > kMaxSlots - kSlotsAtOnce) return false;
    if (line[at] != ',') break;
    at = skip_spaces(line, at + 1);
  }
  return line[at] == '}' && skip_spaces(line, at + 1) == line.size();
}

// `at`: where the value stands when nothing is between it and its key.
bool HotPath::put(std::string_view line, PlannedKey& key, std::size_t at, Token token,
                  json::Event& marked) {
  if (key.counted != nullptr) counted_.push_back(key.counted);
  const std::size_t size = token.end - token.begin;
  bool drop = token.kind == Kind::null && key.drop_null;
  if (key.drop_short && token.kind == Kind::string && size <= kLongestDash) {
    if (scanner_.has_escape(token.begin, token.end)) return false;
    const bool unwanted = (key.drop_empty_text && size == 2) ||
                          (key.drop_dash && size == 3 && line[token.begin + 1] == '-');
    if (unwanted && key.converts_first) return false;
    drop = drop || unwanted;
  }
  if (drop || key.place == nullptr) {
    if (key.opens == nullptr) return true;
    open(*key.opens);
    if (!drop) emptied_.push_back(key.opens);
    return true;
  }
  if (key.convert != KeyPlan::Convert::none && !converts(line, key, token)) return false;
  const std::string_view value = line.substr(token.begin, token.end - token.begin);
  const bool as_it_came = key.tail > 0 && token.begin == at;
  Slot slot{.text = key.leaf.bytes, .value = value.data(), .text_size = key.leaf.size};
  if (as_it_came) {
    slot.text = value.data() - key.tail - 2;
    slot.text_size = key.tail + 2 + static_cast<std::uint32_t>(value.size());
  } else {
    room_ += key.room;
    slot.value_size = static_cast<std::uint32_t>(value.size());
  }
  add_slot(*key.place, slot);
  key.slot = used_ - 1;
  if (key.read) mark(key, value, token.kind, marked);
  return true;
}

// What does not convert is counted, and what must be written anew is made: both by the filter itself.
bool HotPath::converts(std::string_view line, const PlannedKey& key, Token& token) const {
  using To = KeyPlan::Convert;
  const auto whole = [](std::string_view number) {
    return number.find_first_of(".eE") == std::string_view::npos;
  };
  const std::string_view raw = line.substr(token.begin, token.end - token.begin);
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
void HotPath::open_anew(Place& place) {
  place.opened = now_;
  place.first = -1;
  place.link = &place.first;
  if (place.parent == nullptr) return;
  open(*place.parent);
  room_ += place.opening.size + 2;
  link(*place.parent,
       {.text = place.opening.bytes, .inside = &place, .text_size = place.opening.size});
}

// Something leaves in it.
void HotPath::enliven(Place& place) {
  open(place);
  for (Place* live = &place; live != nullptr && live->live != now_; live = live->parent)
    live->live = now_;
}

}  // namespace tailgate::pipeline
