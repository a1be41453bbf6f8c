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
#include "pipeline/key_text.h"

namespace tailgate::pipeline {

/// An object of the events as they leave: where keys are put. What is said of an event holds for the one whose number
/// stands beside it.
struct Place {
  Place* parent = nullptr;
  Literal opening;  // `,"name":`
  std::map<std::string, std::unique_ptr<Place>, std::less<>> inside;

  std::uint64_t opened = 0;  // the event that has it
  std::uint64_t marked = 0;  // the event whose marked part has it, as `self`
  // SlotText's.
  std::uint64_t live = 0;  // the event that leaves with something in it
  std::int32_t first = -1;
  std::int32_t* link = nullptr;  // where the number of its next slot is put
  // RunningText's.
  std::uint64_t closed = 0;          // the event in which its end was written
  std::uint64_t touched = 0;         // the event in which it had a member that did not leave
  const char* touched_at = nullptr;  // how far the text was then
  std::string name;
  json::Container items;
  json::Member self;
};

/// What becomes of one top-level key of a line, for the whole chain.
struct PlannedKey {
  KeyText match;
  PlannedKey* next = nullptr;  // what came behind it the last time
  Literal leaf;                // `,"name":`
  Place* place = nullptr;      // where its value leaves; nullptr: it does not
  // Where it was when it was dropped or removed: that object came to be.
  Place* opens = nullptr;
  std::uint64_t now = 0;   // the event that had it last: a second time is a duplicate
  std::uint32_t room = 0;  // what its names may add to the event's text
  // How many bytes at the end of `match` are its leaf behind `,"`; 0: it leaves by another name.
  std::uint32_t tail = 0;
  std::int32_t slot = -1;  // in the event at hand
  // Its value leaves as it came, unless it is null or drop_short asks for a closer look.
  bool plain = false;
  bool plain_text = false;  // if it is a string, it leaves as it came
  bool general = false;     // what becomes of it depends on more than the key
  bool drop_null = false;
  bool drop_dash = false;
  bool drop_empty_text = false;
  bool drop_short = false;  // either: asked first, so that most values cost one test
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
  static constexpr std::size_t kMaxDepth = 32;  // of objects in objects

  /// `steps`: filters that decide by the key alone, then those that see marked members. `reads`: what else is looked at
  /// of the event that leaves. `foreign`: a key whose lines are none of ours; may be empty.
  KeyPlans(std::vector<const Chain::Step*> steps, std::vector<json::Path> reads,
           std::string_view foreign);

  /// The plan of the key between these quotes, which holds no escape. nullptr: it is new, and there is no room.
  PlannedKey* find(std::string_view key);
  /// Where the plan of the key in `line` whose quotes stand at `begin` and `end` is cached, if a colon follows at once; it
  /// may hold another's, or none. It goes by the key's last bytes, which is quicker than a hash of all of it: keys that
  /// were chosen to end alike can do no worse than miss.
  PlannedKey*& cached(std::string_view line, std::size_t begin, std::size_t end) {
    constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;  // 2^64 by the golden ratio
    const std::size_t size = end - begin - 1;
    std::uint64_t last = 0;
    if (size >= sizeof last) [[likely]] {
      std::memcpy(&last, line.data() + end - sizeof last, sizeof last);
    } else {
      std::memcpy(&last, line.data() + begin + 1, size);
    }
    return cache_[(last ^ size) * kMix >> (64 - kCacheBits)];
  }
  [[nodiscard]] bool full() const { return full_; }
  void clear();

  [[nodiscard]] Place& root() { return *root_; }
  /// Stands before the first key of each line.
  [[nodiscard]] PlannedKey& head() { return head_; }

 private:
  static constexpr int kCacheBits = 10;

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
  [[nodiscard]] std::size_t bucket_of(std::string_view key) const;

  const std::vector<const Chain::Step*> steps_;
  const std::vector<json::Path> reads_;
  const std::string foreign_;
  const std::uint64_t seed_;
  std::vector<PlannedKey*> buckets_;
  std::array<PlannedKey*, std::size_t{1} << kCacheBits> cache_{};
  std::deque<PlannedKey> plans_;
  std::vector<Names> names_;  // one a step
  std::unique_ptr<Place> root_;
  std::size_t places_ = 0;
  PlannedKey head_;
  std::vector<std::unique_ptr<char[]>> texts_;
  std::size_t text_bytes_ = 0;
  bool full_ = false;
};

}  // namespace tailgate::pipeline
