// SPDX-License-Identifier: Apache-2.0
// Reading a line by its keys' plans. What filters see of it is in hot_path_event.cpp, how it is written in running_text
// and slot_text.
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
/// The same for lines that are scattered.
constexpr std::uint32_t kScattered = 4;
constexpr std::uint32_t kSlotsRest = 256;
/// "-", however it is escaped.
constexpr std::size_t kLongestDash = 8;

std::size_t skip_spaces(std::string_view line, std::size_t at) {
  while (line.data()[at] == ' ' && at < line.size()) ++at;
  return at;
}

// Of what begins so, if it is a scalar.
Kind kind_of(char first) {
  switch (first) {
    case '"':
      return Kind::string;
    case 'n':
      return Kind::null;
    case 't':
    case 'f':
      return Kind::boolean;
    default:
      return Kind::number;
  }
}

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
      plans_(steps_of(rules.chains), std::move(rules.reads), rules.foreign) {
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
  arena_ = &marked.arena();
  Took took = Took::general;
  if (scanner_.index(line)) {
    bool scattered = slots_rest_ > 0;
    if (!scattered) {
      took = take_running(line, marked, scattered);
      scattered_ = scattered ? scattered_ + 1 : 0;
      if (scattered_ >= kScattered) slots_rest_ = kSlotsRest;
    } else {
      --slots_rest_;
      took = take_slots(line, marked);
    }
  }
  if (took != Took::general) {
    surprises_ = 0;
    for (metrics::Counter* counter : counted_) counter->add();
    return took;
  }
  marked.root() = {};
  if (++surprises_ >= kSurprises) rest_ = kRest;
  return took;
}

void HotPath::begin_line() {
  ++now_;
  emptied_.clear();
  counted_.clear();
}

HotPath::Took HotPath::take_running(std::string_view line, json::Event& marked, bool& scattered) {
  begin_line();
  marks_.clear();
  marked_places_.clear();
  running_.begin(line.size(), plans_.root(), now_);
  const Read read = this->read(line, running_, &marked);
  // Filters see an event once, so what they did must find room among slots.
  const bool too_much = !finishers_.empty() && running_.count() > SlotText::kMost;
  if (read == Read::scattered || too_much) {
    scattered = true;
    marked.root() = {};
    return take_slots(line, marked);
  }
  if (read == Read::surprise || emptied(running_)) return Took::general;
  const Took took = filtered(marked);
  if (took != Took::event) return took;
  if (!changed(marked)) {
    text_ = running_.end();
    return took;
  }
  // What filters did cannot be put into a text that is written already. They have seen the event, and see it no more.
  scattered = true;
  begin_line();
  slots_.begin(line.size(), plans_.root(), now_);
  if (this->read(line, slots_, nullptr) != Read::done || !adopt(marked)) return Took::general;
  text_ = slots_.end();
  return took;
}

HotPath::Took HotPath::take_slots(std::string_view line, json::Event& marked) {
  begin_line();
  marks_.clear();
  marked_places_.clear();
  slots_.begin(line.size(), plans_.root(), now_);
  if (read(line, slots_, &marked) != Read::done || emptied(slots_)) return Took::general;
  const Took took = filtered(marked);
  if (took != Took::event) return took;
  if (changed(marked) && !adopt(marked)) return Took::general;
  text_ = slots_.end();
  return took;
}

// Whether an object is empty now that something was taken out of: filters differ in what becomes of it.
template <class Text>
bool HotPath::emptied(const Text& text) const {
  return !emptied_.empty() && std::any_of(emptied_.begin(), emptied_.end(),
                                          [&](const Place* place) { return !text.holds(*place); });
}

// A key that is not the one that stood here last time.
[[gnu::noinline]] HotPath::Found HotPath::look_up(std::string_view line, std::size_t at,
                                                  PlannedKey& before) {
  const char* const text = line.data();
  const std::size_t end = scanner_.quote_from(at + 1);
  if (text[at] != '"' || end + 1 >= line.size() || text[end + 1] != ':') [[unlikely]]
    return look_closely(line, at, before);
  PlannedKey* const found = plans_.cached(line, at, end);
  const bool same = found != nullptr && found->match.whole.size == end + 2 - at &&
                    found->match.stands_at(text + at);
  if (!same) return look_closely(line, at, before);
  before.next = found;
  return {found, end + 2};
}

// One that is seldom seen, or new, or has spaces around it.
[[gnu::noinline]] HotPath::Found HotPath::look_closely(std::string_view line, std::size_t at,
                                                       PlannedKey& before) {
  const char* const text = line.data();
  const std::size_t begin = skip_spaces(line, at);
  if (text[begin] != '"') return {};
  const std::size_t end = scanner_.quote_from(begin + 1);
  if (end >= line.size() || scanner_.has_escape(begin, end)) return {};
  at = skip_spaces(line, end + 1);
  if (at >= line.size() || text[at] != ':') return {};
  PlannedKey* const found = plans_.find(line.substr(begin + 1, end - begin - 1));
  if (found == nullptr || found->general) return {};
  if (at == end + 1) plans_.cached(line, begin, end) = found;
  before.next = found;
  return {found, at + 1};
}

// Where the token ends that begins here, by RFC 8259, its escapes aside: those were looked at before. 0 where it is none,
// or an object or array.
[[gnu::noinline]] std::size_t HotPath::value_end(std::string_view line, std::size_t at,
                                                 Kind kind) const {
  const char* const text = line.data();
  const auto word = [&](std::string_view letters) {
    const bool there = std::memcmp(text + at, letters.data(), letters.size()) == 0;
    return there ? at + letters.size() : 0;
  };
  switch (kind) {
    case Kind::string: {
      const std::size_t quote = scanner_.quote_from(at + 1);
      return quote < line.size() ? quote + 1 : 0;
    }
    case Kind::null:
      return word("null");
    case Kind::boolean:
      return word(text[at] == 't' ? "true" : "false");
    default:
      return number_end(line, at);
  }
}

// RFC 8259, section 6.
[[gnu::always_inline]] inline std::size_t HotPath::number_end(std::string_view line,
                                                              std::size_t at) {
  const char* const text = line.data();
  const auto digits = [&] {
    const std::size_t first = at;
    while (at < line.size() && static_cast<unsigned char>(text[at] - '0') < 10) ++at;
    return at > first;
  };
  if (text[at] == '-') ++at;
  if (text[at] == '0') {
    ++at;
  } else if (!digits()) {
    return 0;
  }
  if (text[at] == '.') {
    ++at;
    if (!digits()) return 0;
  }
  if (text[at] == 'e' || text[at] == 'E') {
    ++at;
    if (text[at] == '+' || text[at] == '-') ++at;
    if (!digits()) return 0;
  }
  return at;
}

// At and behind the line's end stands anything: what is read there is never believed.
template <class Text>
HotPath::Read HotPath::read(std::string_view line, Text& text, json::Event* marked) {
  const char* const base = line.data();
  const std::uint64_t* const quotes = scanner_.quotes();
  const std::uint64_t now = now_;
  std::size_t at = skip_spaces(line, 0);
  if (at >= line.size() || base[at] != '{') return Read::surprise;
  ++at;
  PlannedKey* key = &plans_.head();
  while (true) {
    // Nearly every key is the one that followed the last one before.
    PlannedKey* const guess = key->next;
    bool loose = false;
    if (guess != nullptr && at + guess->match.whole.size < line.size() &&
        guess->match.stands_at(base + at)) [[likely]] {
      key = guess;
      at += guess->match.whole.size;
    } else {
      const Found found = look_up(line, at, *key);
      if (found.key == nullptr) return Read::surprise;
      key = found.key;
      at = found.behind;
      loose = base[at - 2] != '"';
    }
    if (key->now == now) return Read::surprise;
    key->now = now;
    // A member leaves with the very bytes that it came with: its leaf's name, and the value behind it.
    const std::size_t head = key->tail + 2;
    Kind kind = Kind::string;
    std::size_t begin = at;
    std::size_t end = 0;
    bool plain = false;
    if (base[at] == '"') [[likely]] {
      end = json::Scanner::next_in(quotes, at + 1) + 1;
      plain = key->plain_text && !loose;
    } else {
      begin = skip_spaces(line, at);
      kind = kind_of(base[begin]);
      end = value_end(line, begin, kind);
      if (end == 0) return Read::surprise;
      loose = loose || begin != at;
      plain = key->plain && kind != Kind::null && !loose;
    }
    if (end >= line.size()) return Read::surprise;  // a brace must follow it
    if (plain) {
      if (!text.copy(*key, base + at - head, end - at + head)) return Read::scattered;
    } else {
      Token value{begin, end, kind};
      const Read put = this->put(line, *key, value, !loose, text, marked);
      if (put != Read::done) return put;
    }
    at = end;
    if (base[at] != ',') at = skip_spaces(line, at);
    if (at >= line.size()) return Read::surprise;
    if (base[at] != ',') break;
    ++at;
  }
  const bool ends = base[at] == '}' && skip_spaces(line, at + 1) == line.size();
  return ends ? Read::done : Read::surprise;
}

// `tight`: no space stands between the key, its colon and the value.
template <class Text>
[[gnu::noinline]] HotPath::Read HotPath::put(std::string_view line, PlannedKey& key, Token& token,
                                             bool tight, Text& text, json::Event* marked) {
  if (key.counted != nullptr) counted_.push_back(key.counted);
  const std::size_t size = token.end - token.begin;
  bool drop = token.kind == Kind::null && key.drop_null;
  if (key.drop_short && token.kind == Kind::string && size <= kLongestDash) {
    if (scanner_.has_escape(token.begin, token.end)) return Read::surprise;
    const bool unwanted = (key.drop_empty_text && size == 2) ||
                          (key.drop_dash && size == 3 && line[token.begin + 1] == '-');
    if (unwanted && key.converts_first) return Read::surprise;
    drop = drop || unwanted;
  }
  if (drop || key.place == nullptr) {
    if (key.opens == nullptr) return Read::done;
    if (!text.touch(*key.opens)) return Read::scattered;
    if (!drop) emptied_.push_back(key.opens);
    return Read::done;
  }
  const std::size_t came = token.begin;
  if (key.convert != KeyPlan::Convert::none && !converts(line, key, token)) return Read::surprise;
  const std::string_view value = line.substr(token.begin, token.end - token.begin);
  const std::size_t head = key.tail + 2;
  const bool as_it_came = key.tail > 0 && tight && token.begin == came;
  const bool written =
      as_it_came ? text.copy(key, value.data() - head, value.size() + head) : text.put(key, value);
  if (!written) return Read::scattered;
  if (key.read && marked != nullptr) mark(key, value, token.kind, *marked);
  return Read::done;
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

}  // namespace tailgate::pipeline
