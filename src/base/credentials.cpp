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

// How many characters before the value of a parameter such as oauth_signature="…" stand at `at`; 0: none.
std::size_t parameter_at(std::string_view text, std::size_t at) {
  constexpr std::array<std::string_view, 4> kNames{"oauth_signature", "oauth_token", "access_token",
                                                   "client_secret"};
  for (const std::string_view name : kNames) {
    if (!starts(text, at, name)) continue;
    std::size_t size = name.size();
    if (at + size >= text.size() || text[at + size] != '=') continue;
    ++size;
    for (const char quote : {'\\', '"'}) {
      if (at + size < text.size() && text[at + size] == quote) ++size;
    }
    return size;
  }
  return 0;
}

}  // namespace

std::string mask_credentials(std::string_view text, Mask how) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (!begins(text, at)) {
      out += text[at++];
      continue;
    }
    std::size_t before = 0;  // what stays of a scheme or a name
    bool basic = false;
    if (starts(text, at, "bearer ")) {
      before = 7;
    } else if (starts(text, at, "basic ")) {
      before = 6;
      basic = true;
    } else {
      before = parameter_at(text, at);
      if (before == 0 && text.substr(at, 3) != "eyJ") {
        out += text[at++];
        continue;
      }
    }
    const std::string_view token = token_at(text, at + before);
    out.append(text.substr(at, before));
    // Percent-encoded values of parameters go on where a token would end.
    std::size_t size = token.size();
    while (before > 0 && at + before + size < text.size() && text[at + before + size] == '%')
      size += 1 + token_at(text, at + before + size + 1).size();
    if (size < kShortest) {
      out.append(token);
      at += before + token.size();
      continue;
    }
    out += basic ? masked_basic(token, how) : masked_token(token, how);
    at += before + size;
  }
  return out;
}

}  // namespace tailgate
