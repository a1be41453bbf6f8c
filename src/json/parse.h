// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "json/event.h"

namespace tailgate::json {

/// Readable bytes that must follow the text handed to Parser::parse (simdjson reads whole vectors).
inline constexpr std::size_t kPadding = 64;

/// Reads lines by RFC 8259, strictly: every byte that is passed on was checked, nested values included. simdjson
/// (on-demand, its only home) finds the structure and checks UTF-8; the grammar of scalars is checked here, because
/// its raw tokens are not. Keeps its buffers between lines; one thread.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(Parser&&) noexcept;
  Parser& operator=(Parser&&) noexcept;

  /// Fills `event` with slices of `line`, which must outlive it and be followed by kPadding readable bytes.
  /// The error names the column (1-based, in bytes) and the reason. On an error `event` must not be used.
  Result<void> parse(std::string_view line, Event& event);
  /// Any JSON value, such as the payload of a token or a server's answer.
  Result<Value> parse_value(std::string_view text, Arena& arena);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True when `text` is a number by RFC 8259.
bool is_number(std::string_view text);

}  // namespace tailgate::json
