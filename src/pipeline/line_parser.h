// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/parts.h"
#include "core/source.h"
#include "json/parse.h"

namespace tailgate::pipeline {

/// What becomes of a line that does not start as JSON: gateways mix text into their logs.
enum class NotJson : std::uint8_t { dead_letter, skip, pass };

struct ParseRules {
  Format format = Format::json;
  bool skip_prefix = false;  // the JSON starts at the line's first {
  NotJson not_json = NotJson::dead_letter;
  bool replace_invalid_utf8 = false;
};

/// Turns lines into events, by its source's rules. Keeps its buffers between lines; intake thread.
class LineParser {
 public:
  enum class Parsed : std::uint8_t { event, skipped };

  explicit LineParser(ParseRules rules) : rules_(rules) {}

  /// The JSON in a line: what it is wrapped in is taken off. An error is for the dead letters. The line must be followed
  /// by json::kPadding readable bytes; so is what this returns, which lives as long as line and arena.
  Result<std::string_view> unwrap(const Line& line, json::Arena& arena) {
    const bool bare = line.problem == Line::Problem::none && !line.joined && !rules_.skip_prefix &&
                      !may_be_part(line.text, rules_.format);
    if (bare) return line.text;
    return unwrap_closely(line, arena);
  }
  /// `text` as unwrap() returned it. An error is for the dead letters.
  Result<Parsed> parse(std::string_view text, json::Event& event);
  /// The key by which parse() knows a wrapper that unwrap() cannot see: such lines must come to it. Empty: none.
  [[nodiscard]] Format format() const { return rules_.format; }
  [[nodiscard]] std::string_view wrapper_key() const {
    if (rules_.format != Format::automatic) return {};
    return kJournaldKey.substr(1, kJournaldKey.size() - 2);
  }

 private:
  static constexpr std::string_view kJournaldKey = "\"__REALTIME_TIMESTAMP\"";
  Result<std::string_view> unwrap_closely(const Line& line, json::Arena& arena);
  [[nodiscard]] std::string_view without_prefix(std::string_view text) const;
  Result<std::string_view> unwrapped(std::string_view text, json::Arena& arena);
  Result<std::string_view> joined(std::string_view text, json::Arena& arena);
  Result<std::string_view> member_text(std::string_view text, std::string_view name,
                                       json::Arena& arena);
  Result<Parsed> not_json(std::string_view text, json::Event& event) const;

  ParseRules rules_;
  json::Parser parser_;
  json::Parser wrapper_;
};

}  // namespace tailgate::pipeline
