// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "settings/node.h"

namespace tailgate::settings {

/// What an option holds. One table of options per source, filter, sink and section yields the check
/// at start, the JSON Schema and the reference.
enum class Type {
  text,
  boolean,
  integer,
  bytes,
  duration,
  choice,         // one of `choices`
  text_or_list,   // one text or a list of them
  text_map,       // free keys with text values: headers, librdkafka options
  condition,      // core/condition.h; a map here gets "quote it"
  text_template,  // core/template.h; a map here gets "quote it"
  path,           // json/path.h
  listen,         // host:port (settings/address.h), or none
  any,            // checked by its owner
};

struct Option {
  std::string_view name = {};
  Type type = Type::text;
  std::string_view default_text = {};  // as written in YAML; empty: no default
  std::string_view summary = {};       // one sentence for the reference
  std::string_view choices = {};       // "a|b|c", for Type::choice
  bool required = false;
  bool secret = false;    // printed as ***
  bool positive = false;  // bytes and durations: 0 is refused
};

/// An option of this name stands for every key that has no option of its own: set and rename take
/// paths as keys. The section's owner reads them from self().members().
inline constexpr std::string_view kAnyKey = "*";

using OptionTable = std::span<const Option>;

/// The closest of `names` to a misspelt `word`, or empty when none is close.
std::string_view did_you_mean(std::string_view word, const std::vector<std::string_view>& names);

/// A map of the settings read by its table. The constructor checks it: unknown keys (with "did you
/// mean"), wrong types, missing required options are added to `problems`. Getters then give the
/// value, else the default, else an empty one; they never fail, so that one pass finds every
/// problem. Asking for an option that the table lacks is a bug (aborts).
class Section {
 public:
  /// `node` may be missing or null: then everything is at its default.
  Section(Node node, OptionTable table, Problems& problems);

  [[nodiscard]] bool given(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] Bytes bytes(std::string_view name) const;
  [[nodiscard]] Millis duration(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  /// A text that names a file: a relative one is looked for beside the settings file.
  [[nodiscard]] std::string file(std::string_view name) const;
  /// Key and value of a text_map, in order.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs(std::string_view name) const;
  [[nodiscard]] Node node(std::string_view name) const;
  [[nodiscard]] const Node& self() const { return node_; }
  [[nodiscard]] Problems& problems() const { return *problems_; }
  /// Adds a problem at the option's place.
  void problem(std::string_view name, std::string what) const;

 private:
  [[nodiscard]] const Option& option(std::string_view name) const;
  Node node_;
  OptionTable table_;
  Problems* problems_;
};

}  // namespace tailgate::settings
