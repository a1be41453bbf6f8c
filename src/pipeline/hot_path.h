// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "json/event.h"
#include "json/scanner.h"
#include "pipeline/chain.h"
#include "pipeline/key_plans.h"

namespace tailgate::pipeline {

/// The short way from a flat line to the text of its event, without a tree: each key's plan says where its value leaves,
/// and the key behind it is the one that stood there in the lines before. Every byte that leaves was checked by RFC 8259,
/// as on the general path, and both give the same text. A line with any surprise (a nested value, white space that is
/// no space, an escaped or duplicate key, a conflict, something that does not convert, an error) is left to the general
/// path, and so is every line where the chain holds a filter that must see all of an event. No allocation per event once
/// warm. Intake thread.
class HotPath {
 public:
  enum class Took : std::uint8_t { general, event, dropped };

  struct Rules {
    std::vector<const Chain*> chains;  // the filters that an event passes, in this order
    std::vector<json::Path> reads;     // what the sinks' conditions and codecs look at
    std::string_view foreign;          // a key whose lines are the general path's; may be empty
    bool enabled = true;               // else every line is
  };
  explicit HotPath(Rules rules);
  HotPath(const HotPath&) = delete;
  HotPath& operator=(const HotPath&) = delete;

  /// `line` as Parser::parse() takes it. After `event`, text() is the event and `marked` holds of it what `reads` can
  /// see; both live until the next call, or until the event's arena is reset. After `general` nothing was counted, and
  /// `marked` is empty.
  Took take(std::string_view line, json::Event& marked);
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  struct Slot {
    const char* name = nullptr;  // the text in front of the value
    const char* value = nullptr;
    Place* inside = nullptr;  // instead of a value
    std::uint32_t name_size = 0;
    std::uint32_t value_size = 0;
    std::int32_t next = -1;
    bool gone = false;  // a filter took it out
  };
  /// A line with more members, objects counted, is the general path's.
  static constexpr std::int32_t kMaxSlots = 4096;
  struct Token {
    std::size_t begin = 0;
    std::size_t end = 0;
    json::Kind kind = json::Kind::null;
  };

  bool read(json::Event& marked);
  PlannedKey* key_at(std::size_t& at, PlannedKey& before);
  PlannedKey* look_up(std::size_t& at, PlannedKey& before);
  bool value_at(std::size_t at, Token& token) const;
  bool number_at(std::size_t at, Token& token) const;
  bool put(PlannedKey& key, Token token, json::Event& marked);
  bool converts(const PlannedKey& key, Token& token) const;
  void open(Place& place);
  void link(Place& place, const Slot& slot);
  void add_slot(Place& place, const Slot& slot);
  [[nodiscard]] bool emptied() const;
  void mark(PlannedKey& key, const Token& token, json::Event& marked);
  json::Container& marked_items(Place& place, json::Event& marked);
  Took finish(json::Event& marked);
  bool adopt(json::Event& marked);
  bool adopt_items(const json::Container& items, Place& place);
  bool adopt_new(const json::Member& member, Place& place);
  std::pair<const char*, std::uint32_t> kept(const json::Value& value);
  PlannedKey* marked_key(const json::Member* member);
  Place* marked_place(const json::Member* member);
  void write();
  static std::uint64_t eight(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  [[nodiscard]] std::size_t skip_spaces(std::size_t at) const {
    while (at < size_ && line_[at] == ' ') ++at;
    return at;
  }
  [[nodiscard]] bool stands_at(std::size_t at, const Literal& text) const {
    if (at + text.size > size_) return false;
    const char* line = line_ + at;
    const char* word = text.bytes;
    std::size_t left = text.size;
    for (; left >= 8; left -= 8, line += 8, word += 8) {
      if (eight(line) != eight(word)) return false;
    }
    // What lies behind both can be read, and is shifted out.
    return left == 0 || (eight(line) ^ eight(word)) << (64 - 8 * left) == 0;
  }

  std::vector<const Chain::Step*> finishers_;
  bool usable_;
  std::uint32_t surprises_ = 0;  // lines in a row that were left to the general path
  std::uint32_t rest_ = 0;       // lines to leave to it untried
  KeyPlans plans_;
  json::Scanner scanner_;

  // Of the line at hand.
  std::uint64_t now_ = 0;
  const char* line_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  json::Arena* arena_ = nullptr;
  std::unique_ptr<Slot[]> slots_;
  std::int32_t used_ = 0;  // of slots_
  std::vector<PlannedKey*> marks_;
  std::vector<Place*> marked_places_;
  std::vector<Place*> emptied_;  // objects that something was taken out of
  std::vector<metrics::Counter*> counted_;

  std::unique_ptr<char[]> buffer_;
  std::size_t buffer_size_ = 0;
  std::string_view text_;
};

}  // namespace tailgate::pipeline
