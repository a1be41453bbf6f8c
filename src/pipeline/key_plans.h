// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/filter.h"
#include "pipeline/chain.h"

namespace tailgate::pipeline {

/// Text that is copied in whole vectors: kOver bytes behind its end are readable, and mean nothing.
struct Literal {
  static constexpr std::size_t kOver = 64;
  const char* bytes = nullptr;
  std::uint32_t size = 0;
};

/// An object of the events as they leave: where keys are put. What is said of an event holds for the one whose number
/// stands beside it.
struct Place {
  Place* parent = nullptr;
  Literal opening;  // `,"name":`
  std::map<std::string, std::unique_ptr<Place>, std::less<>> inside;

  std::uint64_t opened = 0;  // the event that has it, with its members' slots
  std::int32_t first = -1;
  std::int32_t* link = nullptr;  // where the number of its next slot is put
  std::uint64_t live = 0;        // the event that leaves with something in it
  std::uint64_t marked = 0;      // the event whose marked part has it, as `self`
  std::string name;
  json::Container items;
  json::Member self;
};

/// A key as it stands in a line, `"key":`, compared without a branch for each of its words.
struct KeyText {
  /// Two words in one register, with GCC and with clang.
  using Pair [[gnu::vector_size(16)]] = std::uint64_t;
  using Words = std::array<Pair, 2>;
  static constexpr std::size_t kBytes = sizeof(Words);
  explicit KeyText(Literal literal);
  KeyText() = default;

  /// `at`: at least kBytes can be read there, and as many as the key has.
  [[nodiscard]] bool stands_at(const char* at) const {
    return differs(at, first, mask) == 0 &&
           (whole.size <= kBytes ||
            (differs(at + whole.size - kBytes, last, mask) == 0 &&
             (whole.size <= 2 * kBytes || std::memcmp(at, whole.bytes, whole.size) == 0)));
  }
  static std::uint64_t differs(const char* at, const Words& words, const Words& masks) {
    Words there;
    std::memcpy(there.data(), at, kBytes);
    const Pair bits = ((there[0] ^ words[0]) & masks[0]) | ((there[1] ^ words[1]) & masks[1]);
    return bits[0] | bits[1];
  }

  Literal whole;
  Words first{};  // its first bytes
  Words mask{};   // of them, which are its own
  Words last{};   // of a longer one, its last bytes
};

/// What becomes of one top-level key of a line, for the whole chain.
struct PlannedKey {
  KeyText match;
  std::array<PlannedKey*, 2> next{};  // what came behind it the last times
  Literal leaf;                       // `,"name":`
  Place* place = nullptr;             // where its value leaves; nullptr: it does not
  Place* opens = nullptr;  // where it was when it was dropped or removed: that object came to be
  std::uint64_t now = 0;   // the event that had it last: a second time is a duplicate
  std::uint32_t room = 0;  // what its names may add to the event's text
  std::uint32_t tail =
      0;  // how many bytes at the end of `match` are its leaf behind `,"`; 0: it leaves by another name
  std::int32_t slot = -1;  // in the event at hand
  bool plain =
      false;  // its value leaves as it came, unless it is null or a text so short that it may be dropped
  bool general = false;  // what becomes of it depends on more than the key
  bool drop_null = false;
  bool drop_dash = false;
  bool drop_empty_text = false;
  bool drop_short = false;  // one of the two
  bool read = false;        // a condition, a template or a filter looks at it
  KeyPlan::Convert convert = KeyPlan::Convert::none;
  bool converts_first = false;  // before it drops "-" or ""
  metrics::Counter* counted = nullptr;

  json::Member member;  // in the marked part
  std::string key;
  std::string name;
};

/// The plans of a chain's keys, each made when its key is first seen. Bounded: full() is to be asked between events.
/// Plans and places stay where they are until clear(). Intake thread.
class KeyPlans {
 public:
  /// `steps`: filters that decide by the key alone, then those that see marked members. `reads`: what else is looked at
  /// of the event that leaves. `foreign`: a key whose lines are none of ours; may be empty.
  KeyPlans(std::vector<const Chain::Step*> steps, std::vector<json::Path> reads,
           std::string_view foreign);

  /// The plan of the key between these quotes, which holds no escape.
  PlannedKey& find(std::string_view key);
  [[nodiscard]] bool full() const;
  void clear();

  [[nodiscard]] Place& root() { return *root_; }
  /// Stands before the first key of each line.
  [[nodiscard]] PlannedKey& head() { return head_; }

 private:
  struct Names {  // of all keys after one step: no two may want one place
    std::unordered_set<std::string> values;
    std::unordered_set<std::string> objects;
  };
  struct Draft {
    KeyPlan plan;
    json::Path opens;  // where the member was when it went away; empty: at the top
    bool removed = false;
    bool converts_first = false;  // before it drops anything
  };
  PlannedKey& make(std::string_view key);
  [[nodiscard]] bool draft(std::string_view key, Draft& out);
  [[nodiscard]] bool refine(const Chain::Step& step, Draft& draft);
  [[nodiscard]] bool claim(Names& names, const json::Path& path);
  void fill(PlannedKey& planned, const Draft& draft);
  Place* object_of(const json::Path& path);
  Literal literal(std::string_view text);
  [[nodiscard]] std::uint64_t hash(std::string_view key) const;

  const std::vector<const Chain::Step*> steps_;
  const std::vector<json::Path> reads_;
  const std::string foreign_;
  const std::uint64_t seed_;
  std::vector<PlannedKey*> buckets_;
  std::deque<PlannedKey> plans_;
  std::vector<Names> names_;  // one a step
  std::unique_ptr<Place> root_;
  std::size_t places_ = 0;
  PlannedKey head_;
  std::vector<std::unique_ptr<char[]>> texts_;
  std::size_t text_bytes_ = 0;
};

}  // namespace tailgate::pipeline
