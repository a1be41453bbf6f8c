// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/event.h"

namespace tailgate {

/// `http.status_code >= 500 and not (route == "health")`: the one small language of `when`, routing and --where.
/// Operators: == != < <= > >= =~ in ["a","b"] exists(path) and or not ( ); literals are strings, numbers, true, false,
/// null. Parsed once; immutable afterwards; matches() may be called by several threads.
class Condition {
 public:
  /// The error holds the text with a caret under what is wrong.
  static Result<Condition> parse(std::string_view text);

  /// Whether the event matches. A comparison with a missing field is false; `a != b` is `not (a == b)`, so true.
  [[nodiscard]] bool matches(const json::Event& event) const;
  [[nodiscard]] const std::string& text() const;

  struct Node;

 private:
  explicit Condition(std::shared_ptr<const Node> root, std::string text);
  std::shared_ptr<const Node> root_;
  std::string text_;
};

}  // namespace tailgate
