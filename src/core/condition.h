// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "json/event.h"

namespace tailgate {

/// `http.status_code >= 500 and not (route == "health")`: the one small language of `when`, routing
/// and --where. Operators: == != < <= > >= =~ in ["a","b"] exists(path) and or not ( ); literals
/// are strings ("…" or '…', with JSON's escapes), numbers, true, false, null. A name without quotes
/// is a path, a string in quotes never is.
///
/// Numbers compare by their exact value; a number written in the condition also equals a string
/// that is that number. Strings are ordered by their bytes. Values of different types are neither
/// equal nor ordered. Objects and arrays equal nothing. `=~` searches a string, or a number as it
/// is written, for an RE2 pattern whose backslashes are RE2's own. Parsed once; immutable
/// afterwards; matches() may be called by several threads, for one event by one at a time.
class Condition {
 public:
  /// The error holds the text with a caret under what is wrong.
  static Result<Condition> parse(std::string_view text);

  /// Whether the event matches. A comparison with a missing field is false; `a != b` is `not (a ==
  /// b)`, so true.
  [[nodiscard]] bool matches(const json::Event& event) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Every path that matches() may look at.
  [[nodiscard]] std::vector<json::Path> paths() const;

  struct Node;

 private:
  explicit Condition(std::shared_ptr<const Node> root, std::string text)
      : root_(std::move(root)), text_(std::move(text)) {}
  std::shared_ptr<const Node> root_;
  std::string text_;
};

}  // namespace tailgate
