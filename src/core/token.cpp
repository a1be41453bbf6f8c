// SPDX-License-Identifier: Apache-2.0
#include "core/token.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "json/text.h"

namespace tailgate::token {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

/// What follows `scheme` and a space.
std::optional<std::string_view> behind(std::string_view text, std::string_view scheme) {
  text = trimmed(text);
  if (text.size() <= scheme.size() || !same(text.substr(0, scheme.size()), scheme)) return {};
  if (text[scheme.size()] != ' ') return {};
  return trimmed(text.substr(scheme.size()));
}

int digit64(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

int digit16(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string_view named(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const std::size_t size = json::utf8_length(text, at);
    if (c < 0x20 || c == 0x7F || size == 0) return {};
    at += size;
  }
  return text;
}

std::string_view percent_decoded(std::string_view text, json::Arena& arena) {
  char* const begin = arena.bytes(text.size());
  char* out = begin;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      *out++ = text[i];
      continue;
    }
    if (i + 2 >= text.size()) return {};
    const int high = digit16(text[i + 1]);
    const int low = digit16(text[i + 2]);
    if (high < 0 || low < 0) return {};
    *out++ = static_cast<char>(high * 16 + low);
    i += 2;
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

/// Takes `name="value"` or `name=value` off the front of a list with commas.
struct Parameter {
  std::string_view name;
  std::string_view value;
};
Parameter take_parameter(std::string_view& rest) {
  Parameter parameter;
  const std::size_t equals = std::min(rest.find_first_of("=,"), rest.size());
  parameter.name = trimmed(rest.substr(0, equals));
  rest.remove_prefix(equals);
  if (!rest.empty() && rest.front() == '=') {
    rest = trimmed(rest.substr(1));
    if (!rest.empty() && rest.front() == '"') {
      rest.remove_prefix(1);
      const std::size_t quote = std::min(rest.find('"'), rest.size());
      parameter.value = rest.substr(0, quote);
      rest.remove_prefix(quote);
    } else {
      parameter.value = trimmed(rest.substr(0, rest.find(',')));
    }
  }
  rest.remove_prefix(std::min(rest.find(','), rest.size()));
  if (!rest.empty()) rest.remove_prefix(1);
  return parameter;
}

/// The three parts of a compact token: two dots, nothing that base64url lacks.
std::string_view middle_of_three(std::string_view text) {
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos || first == 0) return {};
  const std::size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
    return {};
  const auto good = [](char c) { return c == '.' || c == '=' || digit64(c) >= 0; };
  if (!std::all_of(text.begin(), text.end(), good)) return {};
  return text.substr(first + 1, second - first - 1);
}

}  // namespace

std::string_view base64(std::string_view text, json::Arena& arena) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return {};
  char* const begin = arena.bytes(text.size() / 4 * 3 + 3);
  char* out = begin;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int digit = digit64(c);
    if (digit < 0) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    *out++ = static_cast<char>(bits >> held & 0xFF);
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

std::string_view jwt_claims(std::string_view text, json::Arena& arena) {
  text = trimmed(text);
  for (const std::string_view scheme : {"Bearer", "DPoP"}) {
    if (const auto rest = behind(text, scheme)) text = *rest;
  }
  return base64(middle_of_three(text), arena);
}

std::string_view basic_user(std::string_view text, json::Arena& arena) {
  const auto rest = behind(text, "Basic");
  if (!rest) return {};
  const std::string_view decoded = base64(*rest, arena);
  const std::size_t colon = decoded.find(':');
  return colon == std::string_view::npos ? std::string_view{} : named(decoded.substr(0, colon));
}

std::string_view oauth1_consumer_key(std::string_view text, json::Arena& arena) {
  auto rest = behind(text, "OAuth");
  while (rest && !rest->empty()) {
    const Parameter parameter = take_parameter(*rest);
    if (parameter.name == "oauth_consumer_key") {
      return named(percent_decoded(parameter.value, arena));
    }
  }
  return {};
}

bool is_credential(std::string_view text) {
  text = trimmed(text);
  // "eyJ" is {" in base64: every token's header begins so.
  if (text.starts_with("eyJ") && std::count(text.begin(), text.end(), '.') >= 2) return true;
  // Asked of every client's name: few hold a space, as a scheme does behind it, and of those few begin as one.
  if (text.find(' ') == std::string_view::npos) return false;
  constexpr std::array<std::string_view, 9> kSchemes{"Bearer", "Basic",     "OAuth",
                                                     "Digest", "DPoP",      "Token",
                                                     "ApiKey", "Negotiate", "AWS4-HMAC-SHA256"};
  return std::any_of(kSchemes.begin(), kSchemes.end(), [&](std::string_view scheme) {
    return lower(scheme.front()) == lower(text.front()) && behind(text, scheme).has_value();
  });
}

}  // namespace tailgate::token
