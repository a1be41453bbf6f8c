// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "json/event.h"
#include "json/scanner.h"
#include "pipeline/chain.h"
#include "pipeline/key_plans.h"
#include "pipeline/running_text.h"
#include "pipeline/slot_text.h"

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
  /// By reference: in registers its members would be put together through memory, where the next step waits for them.
  struct Token {
    std::size_t begin = 0;
    std::size_t end = 0;
    json::Kind kind = json::Kind::null;
  };
  /// In two registers, as they are.
  struct Found {
    PlannedKey* key = nullptr;  // nullptr: a surprise
    std::size_t behind = 0;     // it and its colon
  };
  /// scattered: the members of an object do not come together, or there is too much of it for this kind of text.
  enum class Read : std::uint8_t { done, scattered, surprise };
  static constexpr std::size_t kMaxLine = std::size_t{1} << 30;

  Took take_running(std::string_view line, json::Event& marked, bool& scattered);
  Took take_slots(std::string_view line, json::Event& marked);
  void begin_line();
  // These take the line as a value: what they store might else be the line itself, for all that the compiler knows.
  template <class Text>
  Read read(std::string_view line, Text& text, json::Event* marked);
  Found look_up(std::string_view line, std::size_t at, PlannedKey& before);
  Found look_closely(std::string_view line, std::size_t at, PlannedKey& before);
  [[nodiscard]] std::size_t value_end(std::string_view line, std::size_t at, json::Kind kind) const;
  static std::size_t number_end(std::string_view line, std::size_t at);
  template <class Text>
  Read put(std::string_view line, PlannedKey& key, Token& token, bool tight, Text& text,
           json::Event* marked);
  bool converts(std::string_view line, const PlannedKey& key, Token& token) const;
  template <class Text>
  [[nodiscard]] bool emptied(const Text& text) const;

  Took filtered(json::Event& marked);
  [[nodiscard]] bool changed(const json::Event& marked) const;
  void mark(PlannedKey& key, std::string_view value, json::Kind kind, json::Event& marked);
  json::Container& marked_items(Place& place, json::Event& marked);
  bool adopt(json::Event& marked);
  bool adopt_items(const json::Container& items, Place& place, std::size_t& objects);
  PlannedKey* marked_key(const json::Member* member);
  Place* marked_place(const json::Member* member);

  std::vector<const Chain::Step*> finishers_;
  bool usable_;
  std::uint32_t surprises_ = 0;   // lines in a row that were left to the general path
  std::uint32_t rest_ = 0;        // lines to leave to it untried
  std::uint32_t scattered_ = 0;   // lines in a row that RunningText was tried with in vain
  std::uint32_t slots_rest_ = 0;  // lines to leave to SlotText
  KeyPlans plans_;
  json::Scanner scanner_;
  RunningText running_;
  SlotText slots_;

  // Of the line at hand.
  std::uint64_t now_ = 0;
  std::vector<PlannedKey*> marks_;
  std::vector<Place*> marked_places_;
  std::vector<Place*> emptied_;  // objects that something was taken out of
  std::vector<metrics::Counter*> counted_;
  json::Arena* arena_ = nullptr;
  std::string_view text_;
};

}  // namespace tailgate::pipeline
