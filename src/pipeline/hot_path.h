// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
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
  /// see; both live until the next call, or until the event's arena is reset. After `general` no plan has counted
  /// anything (a filter that saw the marked members may have), and `marked` is empty.
  Took take(std::string_view line, json::Event& marked);
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  /// One member of the event as it leaves: a piece of text, its first byte to be the separator; or two.
  struct Slot {
    const char* text = nullptr;   // name and value as they stand in the line, or the name alone
    const char* value = nullptr;  // wherever it stands
    Place* inside = nullptr;      // instead of a value
    std::uint32_t text_size = 0;
    std::uint32_t value_size = 0;  // 0: it is part of `text`
    std::int32_t next = -1;
    bool gone = false;  // a filter took it out
  };
  /// A line with more members, objects counted, is the general path's.
  static constexpr std::int32_t kMaxSlots = 4096;
  /// Small enough to be passed in registers.
  struct Token {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    json::Kind kind = json::Kind::null;
  };
  static constexpr std::size_t kMaxLine = std::size_t{1} << 30;

  // These take the line as a value: what they store might else be the line itself, for all that the compiler knows.
  bool read(std::string_view line, json::Event& marked);
  PlannedKey* key_at(std::string_view line, std::size_t& at, PlannedKey& before);
  PlannedKey* look_up(std::string_view line, std::size_t& at, PlannedKey& before);
  Token value_at(std::string_view line, std::size_t at) const;
  static Token number_at(std::string_view line, std::size_t at);
  void keep(const PlannedKey& key, const char* text, std::size_t size);
  bool put(std::string_view line, PlannedKey& key, std::size_t at, Token token,
           json::Event& marked);
  bool converts(std::string_view line, const PlannedKey& key, Token& token) const;
  void open(Place& place) {
    if (place.opened != now_) open_anew(place);
  }
  void open_anew(Place& place);
  void enliven(Place& place);
  void link(Place& place, const Slot& slot) {
    Slot& added = slots_[static_cast<std::size_t>(used_)];
    added = slot;
    *place.link = used_++;
    place.link = &added.next;
  }
  void add_slot(Place& place, const Slot& slot) {
    if (place.live != now_) enliven(place);
    link(place, slot);
  }
  [[nodiscard]] bool emptied() const;
  void mark(PlannedKey& key, std::string_view value, json::Kind kind, json::Event& marked);
  json::Container& marked_items(Place& place, json::Event& marked);
  Took finish(json::Event& marked);
  bool adopt(json::Event& marked);
  bool adopt_items(const json::Container& items, Place& place, std::size_t& objects);
  bool adopt_new(const json::Member& member, Place& place);
  std::pair<const char*, std::uint32_t> kept(const json::Value& value);
  PlannedKey* marked_key(const json::Member* member);
  Place* marked_place(const json::Member* member);
  void write();
  static std::size_t skip_spaces(std::string_view line, std::size_t at) {
    while (line.data()[at] == ' ' && at < line.size()) ++at;
    return at;
  }

  std::vector<const Chain::Step*> finishers_;
  bool usable_;
  std::uint32_t surprises_ = 0;  // lines in a row that were left to the general path
  std::uint32_t rest_ = 0;       // lines to leave to it untried
  KeyPlans plans_;
  json::Scanner scanner_;

  // Of the line at hand.
  std::uint64_t now_ = 0;
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
