// SPDX-License-Identifier: Apache-2.0
#include "base/credentials.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/base64.h"

namespace tailgate {
namespace {

constexpr std::string_view kStars = "***";
/// Shorter words after a scheme are prose.
constexpr std::size_t kShortest = 4;

// The characters of base64, base64url and token68 (RFC 7235 §2.1), and the backslash that JSON may put before a slash.
bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-._~+/=\\").find(c) != std::string_view::npos;
}

std::string_view token_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_token(text[end])) {
    // An escape other than \/ ends it: the quote of an embedded text.
    if (text[end] == '\\' && (end + 1 == text.size() || text[end + 1] != '/')) break;
    ++end;
  }
  return text.substr(at, end - at);
}

bool starts(std::string_view text, std::size_t at, std::string_view word) {
  if (text.size() - at < word.size()) return false;
  return std::equal(word.begin(), word.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char expected, char c) {
                      return expected == std::tolower(static_cast<unsigned char>(c));
                    });
}

// Whether a value may begin at `at`: not inside a word or a path.
bool begins(std::string_view text, std::size_t at) {
  return at == 0 ||
         std::string_view("\"' \t:,;=?&([<{").find(text[at - 1]) != std::string_view::npos;
}

std::string masked_token(std::string_view token, Mask how) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (how == Mask::all || !token.starts_with("eyJ") || second == std::string_view::npos)
    return std::string(kStars);
  return std::string(token.substr(0, second + 1)).append(kStars);
}

std::string masked_basic(std::string_view token, Mask how) {
  std::string plain_token(token);
  std::erase(plain_token, '\\');
  const std::optional<std::string> pair = from_base64(plain_token);
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  if (how == Mask::all || colon == std::string::npos) return std::string(kStars);
  return base64(pair->substr(0, colon + 1).append(kStars));
}

// How many characters of `":"`, also when escaped, or `: "` stand at `at`; 0: none.
std::size_t member_value_at(std::string_view text, std::size_t at) {
  const auto quote = [&] {
    if (at < text.size() && text[at] == '\\') ++at;
    return at < text.size() && text[at] == '"' && ++at > 0;
  };
  const std::size_t begin = at;
  if (!quote()) return 0;
  while (at < text.size() && text[at] == ' ') ++at;
  if (at == text.size() || text[at] != ':') return 0;
  at = std::min(text.find_first_not_of(' ', at + 1), text.size());
  return quote() ? at - begin : 0;
}

// How many characters before the value of a parameter such as oauth_signature="…" stand at `at`; 0: none. Where nothing
// is to be left, a member of that name counts, too: in an event it may be meant to leave.
std::size_t parameter_at(std::string_view text, std::size_t at, Mask how) {
  constexpr std::array<std::string_view, 11> kNames{
      "oauth_signature", "oauth_token", "access_token", "refresh_token", "client_secret", "api_key",
      "apikey",          "id_token",    "token",        "password",      "secret"};
  for (const std::string_view name : kNames) {
    if (!starts(text, at, name)) continue;
    std::size_t size = name.size();
    if (const std::size_t value = how == Mask::all ? member_value_at(text, at + size) : 0;
        value > 0)
      return size + value;
    if (at + size >= text.size() || text[at + size] != '=') continue;
    ++size;
    for (const char quote : {'\\', '"'}) {
      if (at + size < text.size() && text[at + size] == quote) ++size;
    }
    return size;
  }
  return 0;
}

struct Scheme {
  std::string_view name;     // in lower case, with the space behind it
  std::size_t shortest = 4;  // shorter words behind it are prose
  bool to_the_end = false;   // a list of parameters, some of them secret
};

constexpr std::array<Scheme, 10> kSchemes{{{"bearer "},
                                           {"basic "},
                                           {"dpop "},
                                           {"negotiate ", 8},
                                           {"apikey ", 8},
                                           {"token ", 12},
                                           {"cookie: ", 1, true},
                                           {"set-cookie: ", 1, true},
                                           {"digest ", 8, true},
                                           {"aws4-hmac-sha256 ", 8, true}}};

const Scheme* scheme_at(std::string_view text, std::size_t at) {
  const auto found = std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& scheme) {
    return starts(text, at, scheme.name);
  });
  return found == kSchemes.end() ? nullptr : &*found;
}

// Up to the quote that ends a JSON string, or the end of the text.
std::size_t rest_of_string(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return std::min(end, text.size()) - at;
}

// How many characters of `"cookie":"` and the like stand at `at`, where a value follows that is secret whatever its shape.
std::size_t secret_member_at(std::string_view text, std::size_t at) {
  constexpr std::array<std::string_view, 3> kNames{"cookie\":\"", "authorization\":\"",
                                                   "x-api-key\":\""};
  for (const std::string_view name : kNames) {
    if (!starts(text, at, name)) continue;
    const std::size_t value = at + name.size();
    const bool known = scheme_at(text, value) != nullptr || starts(text, value, "oauth ") ||
                       text.substr(value, 3) == "eyJ" || rest_of_string(text, value) == 0;
    return known ? 0 : name.size();
  }
  return 0;
}

// Masks what begins at `at` and moves on; false: nothing does.
bool mask_at(std::string_view text, std::size_t& at, Mask how, std::string& out) {
  if (const std::size_t name = secret_member_at(text, at); name > 0) {
    out.append(text.substr(at, name)).append(kStars);
    at += name + rest_of_string(text, at + name);
    return true;
  }
  if (!begins(text, at)) return false;
  const Scheme* const scheme = scheme_at(text, at);
  const std::size_t before = scheme != nullptr ? scheme->name.size() : parameter_at(text, at, how);
  if (before == 0 && text.substr(at, 3) != "eyJ") return false;
  const std::string_view token = token_at(text, at + before);
  if (token.size() < (scheme != nullptr ? scheme->shortest : before > 0 ? 1 : kShortest))
    return false;
  out.append(text.substr(at, before));
  at += before;
  if (scheme != nullptr && scheme->to_the_end) {
    out.append(kStars);
    at += rest_of_string(text, at);
    return true;
  }
  out += scheme != nullptr && scheme->name == "basic " ? masked_basic(token, how)
                                                       : masked_token(token, how);
  at += token.size();
  // Percent-encoded values of parameters go on where a token would end.
  while (before > 0 && at < text.size() && text[at] == '%') at += 1 + token_at(text, at + 1).size();
  return true;
}

}  // namespace

std::string mask_credentials(std::string_view text, Mask how) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (!mask_at(text, at, how, out)) out += text[at++];
  }
  return out;
}

}  // namespace tailgate
