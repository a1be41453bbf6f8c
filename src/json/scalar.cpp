// SPDX-License-Identifier: Apache-2.0
#include "json/scalar.h"

#include "json/parse.h"

namespace tailgate::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Moves `at` over digits; false when there is none.
bool digits(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at > begin;
}

bool ends_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

}  // namespace

std::size_t bad_escape(std::string_view inner) {
  std::size_t at = inner.find('\\');
  while (at != std::string_view::npos) {
    if (at + 1 >= inner.size()) return at;
    if (inner[at + 1] == 'u') {
      if (at + 6 > inner.size()) return at;
      for (std::size_t i = at + 2; i < at + 6; ++i) {
        if (!is_hex(inner[i])) return at;
      }
      at += 6;
    } else {
      if (!ends_escape(inner[at + 1])) return at;
      at += 2;
    }
    at = inner.find('\\', at);
  }
  return std::string_view::npos;
}

bool is_number(std::string_view text) {
  // RFC 8259 §6: [ minus ] int [ frac ] [ exp ]
  std::size_t at = 0;
  if (at < text.size() && text[at] == '-') ++at;
  if (at < text.size() && text[at] == '0') {
    ++at;
  } else if (!digits(text, at)) {
    return false;
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits(text, at)) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits(text, at)) return false;
  }
  return at == text.size();
}

}  // namespace tailgate::json
