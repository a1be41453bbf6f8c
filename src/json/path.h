// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tailgate::json {

/// Where a value stands in an event: `http.request_headers.user-agent`, `tags[0]`, `."oslo.message".level`.
/// Bare segments hold letters, digits, `_ - $ @`; others are quoted (with \" and \\), and a quoted first segment is
/// written after a dot. Built once from settings; immutable; may be shared by threads.
class Path {
 public:
  struct Segment {
    std::string name;         // decoded; empty for an index
    std::string key;          // as it is written between the quotes of a JSON key
    std::int64_t index = -1;  // >= 0: an element of an array
    bool operator==(const Segment&) const = default;
  };

  Path() = default;
  static Result<Path> parse(std::string_view text);
  /// Reads the path that `text` starts with, for languages that paths are part of. `consumed` becomes its length, or
  /// on an error the place (0-based) of what is wrong; the error then holds the reason alone.
  static Result<Path> parse_prefix(std::string_view text, std::size_t& consumed);
  /// From decoded member names.
  static Path of(const std::vector<std::string_view>& names);

  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] bool empty() const { return segments_.empty(); }
  /// The text form that parse() reads.
  [[nodiscard]] std::string text() const;
  /// True when this path is `other` or lies inside it.
  [[nodiscard]] bool within(const Path& other) const;
  /// One lies within the other: a change at one can be seen at the other.
  [[nodiscard]] bool meets(const Path& other) const { return within(other) || other.within(*this); }

  bool operator==(const Path&) const = default;

 private:
  std::vector<Segment> segments_;
};

}  // namespace tailgate::json
