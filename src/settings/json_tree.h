// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailgate::settings {

/// JSON to be printed: members in the order in which they were set. Only for generated documents.
class JsonTree {
 public:
  static JsonTree object() { return JsonTree(Kind::object); }
  static JsonTree array() { return JsonTree(Kind::array); }
  static JsonTree string(std::string_view text);
  /// A number, true, false or null as it is written.
  static JsonTree literal(std::string_view text);
  static JsonTree strings(const std::vector<std::string_view>& texts);

  JsonTree& set(std::string_view key, JsonTree value);
  JsonTree& add(JsonTree value);
  [[nodiscard]] bool empty() const { return members_.empty(); }
  /// Indented by two spaces per level, as people read it; short lists of scalars stay on one line.
  [[nodiscard]] std::string text() const;

 private:
  enum class Kind { scalar, object, array };
  explicit JsonTree(Kind kind) : kind_(kind) {}
  void write(std::string& out, std::size_t indent) const;

  Kind kind_;
  std::string scalar_;                                     // as it is written
  std::vector<std::pair<std::string, JsonTree>> members_;  // of an array: without keys
};

}  // namespace tailgate::settings
