// SPDX-License-Identifier: Apache-2.0
#include "json/text.h"

#include <cstdint>
#include <cstring>

namespace tailgate::json {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kHex = "0123456789abcdef";

std::uint32_t hex4(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

char* put(char* out, std::uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

// Reads the \uXXXX at `at` (the backslash), with the second half of a pair; moves `at` behind it.
std::uint32_t unicode_escape(std::string_view text, std::size_t& at) {
  const std::uint32_t first = hex4(text.data() + at + 2);
  at += 6;
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first < 0xDC00 && at + 6 <= text.size() && text[at] == '\\' && text[at + 1] == 'u') {
    const std::uint32_t second = hex4(text.data() + at + 2);
    if (second >= 0xDC00 && second <= 0xDFFF) {
      at += 6;
      return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    }
  }
  return 0xFFFD;
}

char plain_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;  // the quote, the backslash, the slash
  }
}

char letter_for(unsigned char c) {
  switch (c) {
    case '"':
    case '\\':
      return static_cast<char>(c);
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

}  // namespace

std::string_view decode(std::string_view inner, Arena& arena) {
  if (inner.find('\\') == std::string_view::npos) return inner;
  char* const begin = arena.bytes(inner.size());  // decoding never grows
  char* out = begin;
  for (std::size_t at = 0; at < inner.size();) {
    if (inner[at] != '\\') {
      *out++ = inner[at++];
    } else if (inner[at + 1] == 'u') {
      out = put(out, unicode_escape(inner, at));
    } else {
      *out++ = plain_escape(inner[at + 1]);
      at += 2;
    }
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return 1;
  const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
  if (byte >= 0xC2 && byte <= 0xDF) return continues(text, at + 1) ? 2 : 0;
  if (byte >= 0xE0 && byte <= 0xEF) {
    if (byte == 0xE0 && second < 0xA0) return 0;
    if (byte == 0xED && second > 0x9F) return 0;
    return continues(text, at + 1) && continues(text, at + 2) ? 3 : 0;
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    if (byte == 0xF0 && second < 0x90) return 0;
    if (byte == 0xF4 && second > 0x8F) return 0;
    return continues(text, at + 1) && continues(text, at + 2) && continues(text, at + 3) ? 4 : 0;
  }
  return 0;
}

bool needs_escape(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c == '"' || c == '\\') return true;
    const std::size_t size = utf8_length(text, at);
    if (size == 0) return true;
    at += size;
  }
  return false;
}

std::string_view encode(std::string_view text, bool quotes, Arena& arena) {
  char* const begin = arena.bytes(text.size() * 6 + 2);
  char* out = begin;
  if (quotes) *out++ = '"';
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const std::size_t size = utf8_length(text, at);
    if (const char letter = letter_for(c)) {
      *out++ = '\\';
      *out++ = letter;
    } else if (c < 0x20) {
      std::memcpy(out, "\\u00", 4);
      out[4] = kHex[c >> 4];
      out[5] = kHex[c & 0xF];
      out += 6;
    } else if (size == 0) {
      std::memcpy(out, kReplacement.data(), kReplacement.size());
      out += kReplacement.size();
    } else {
      std::memcpy(out, text.data() + at, size);
      out += size;
    }
    at += size == 0 ? 1 : size;
  }
  if (quotes) *out++ = '"';
  return {begin, static_cast<std::size_t>(out - begin)};
}

}  // namespace tailgate::json
