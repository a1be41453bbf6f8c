// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/event.h"

namespace tailgate {

/// `staging.{meta.stream|unknown}`: text with fields of the event. `{path|default}`; `{{` and `}}` are literal braces.
/// Parsed once; immutable afterwards.
class Template {
 public:
  static Result<Template> parse(std::string_view text);

  /// Appends the text for this event. False: a field without a default is missing or null or not a scalar; what was
  /// appended so far is taken back.
  [[nodiscard]] bool expand(const json::Event& event, std::string& out) const;
  /// True when the text has no fields.
  [[nodiscard]] bool constant() const;
  /// Every path that expand() looks at.
  [[nodiscard]] std::vector<json::Path> paths() const;
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct Part {
    std::string literal;  // used when `path` is empty
    json::Path path;
    bool has_default = false;
    std::string default_text;
  };
  std::vector<Part> parts_;
  std::string text_;
};

}  // namespace tailgate
