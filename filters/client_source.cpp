// SPDX-License-Identifier: Apache-2.0
#include "filters/client_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/checksum.h"
#include "core/token.h"

namespace tailgate::filters {
namespace {

using json::Kind;
using settings::Node;

// Not `sub` (a person) nor `aud` (often the API itself).
const std::vector<std::string>& default_claims() {
  static const std::vector<std::string> claims{"client_id", "azp", "cid", "appid"};
  return claims;
}

// Longer ones are decoded each time: the memory for them is bounded.
constexpr std::size_t kMaxKnownToken = 4096;

struct Word {
  std::string_view name;
  ClientSource::Kind kind;
};
constexpr std::array<Word, 4> kWords{{{"field", ClientSource::Kind::field},
                                      {"jwt", ClientSource::Kind::jwt},
                                      {"basic", ClientSource::Kind::basic},
                                      {"oauth1", ClientSource::Kind::oauth1}}};

class SourceReader {
 public:
  explicit SourceReader(settings::Problems& problems) : problems_(problems) {}

  std::optional<ClientSource> read(const Node& item) {
    ClientSource source;
    source.claims = default_claims();
    if (item.is_scalar()) return path(item, source) ? std::optional(source) : std::nullopt;
    if (!item.is_map()) {
      problems_.add(
          item,
          "expected a path, or one of {field: PATH}, {jwt: PATH}, {basic: PATH}, {oauth1: PATH}");
      return std::nullopt;
    }
    int kinds = 0;
    bool good = true;
    for (const auto& [key, value] : item.members()) {
      const auto word =
          std::find_if(kWords.begin(), kWords.end(),
                       [&, name = key.text()](const Word& w) { return w.name == name; });
      if (word != kWords.end()) {
        ++kinds;
        source.kind = word->kind;
        good = path(value, source) && good;
      } else if (key.text() == "claims") {
        good = claims(value, source) && good;
      } else {
        const std::string_view near =
            settings::did_you_mean(key.text(), {"field", "jwt", "basic", "oauth1", "claims"});
        problems_.add(key, near.empty()
                               ? "unknown option; those here are field, jwt, basic, oauth1, claims"
                               : fmt::format("unknown option; did you mean {}?", near));
        good = false;
      }
    }
    if (kinds != 1 && good) {
      problems_.add(item, "expected exactly one of field, jwt, basic, oauth1");
      good = false;
    }
    const bool has_claims =
        source.kind == ClientSource::Kind::field || source.kind == ClientSource::Kind::jwt;
    if (good && !has_claims && item.at("claims").given()) {
      problems_.add(item.at("claims"), "only a field or a jwt has claims");
      good = false;
    }
    return good ? std::optional(source) : std::nullopt;
  }

 private:
  bool path(const Node& node, ClientSource& source) {
    if (!node.is_scalar()) {
      problems_.add(node, "expected a path, which is a text");
      return false;
    }
    auto parsed = json::Path::parse(node.text());
    if (!parsed) {
      problems_.add(node, parsed.error().what);
      return false;
    }
    source.path = std::move(*parsed);
    const std::string& last = source.path.segments().back().name;
    if (!source.credential() &&
        (last == "authorization" || last == "proxy-authorization" || last == "cookie")) {
      problems_.warn(
          node,
          fmt::format("{} holds a credential, not a name; write {{jwt: {}}} (or basic, oauth1)",
                      last, node.text()));
    }
    return true;
  }

  bool claims(const Node& node, ClientSource& source) {
    const auto good = [](const Node& item) { return item.is_scalar() && !item.text().empty(); };
    if (!node.is_list() || node.items().empty() ||
        !std::all_of(node.items().begin(), node.items().end(), good)) {
      problems_.add(node, "expected a list of names of claims");
      return false;
    }
    source.claims.clear();
    for (const Node& item : node.items()) source.claims.push_back(item.text());
    return true;
  }

  settings::Problems& problems_;
};

/// A string's or number's text; empty where there is none.
std::string_view text_in(const json::Value& value, json::Arena& arena) {
  if (value.kind == Kind::number) return value.raw;
  if (value.kind != Kind::string) return {};
  const std::string_view text = json::text_of(value, arena);
  return text == "-" ? std::string_view{} : text;
}

/// Headers that may repeat are logged as lists, and `aud` is one at times: the first counts.
const json::Value& first_of(const json::Value& value) {
  const bool list = value.kind == Kind::array && value.items->first != nullptr;
  return list ? value.items->first->value : value;
}

std::string_view claim(const ClientSource& source, const json::Value& claims, json::Arena& arena) {
  for (const std::string& name : source.claims) {
    const json::Member* member = claims.items->find(name);
    if (member == nullptr) continue;
    const std::string_view text = text_in(first_of(member->value), arena);
    if (!text.empty()) return text;
  }
  return {};
}

}  // namespace

std::vector<ClientSource> read_client_sources(const settings::Section& options) {
  std::vector<ClientSource> sources;
  const Node from = options.node("from");
  if (!from.given()) return sources;  // said already
  std::vector<Node> items = from.items();
  if (!from.is_list()) items = {from};
  if (items.empty()) options.problem("from", "must not be empty");
  SourceReader reader(options.problems());
  for (const Node& item : items) {
    if (auto source = reader.read(item)) sources.push_back(std::move(*source));
  }
  return sources;
}

bool is_blank(const json::Value& value, json::Arena& arena) {
  if (value.kind == Kind::null) return true;
  return value.kind == Kind::string && text_in(value, arena).empty();
}

bool holds_credential(const json::Value& value, json::Arena& arena) {
  const json::Value& one = first_of(value);
  return one.kind == Kind::string && token::is_credential(json::text_of(one, arena));
}

ClientName TokenReader::read(const ClientSource& source, const json::Value& value,
                             json::Arena& arena) {
  const json::Value& one = first_of(value);
  if (one.kind == Kind::object) {
    return {source.kind == ClientSource::Kind::field || source.kind == ClientSource::Kind::jwt
                ? claim(source, one, arena)
                : std::string_view{}};
  }
  const std::string_view text = text_in(one, arena);
  if (text.empty()) return {};
  if (source.kind != ClientSource::Kind::field) return {from_text(source, text, arena)};
  // A name is not a credential: it would leave in every event.
  if (token::is_credential(text)) return {};
  if (text.front() == '{') return {from_claims(source, text, arena)};
  return {text, one.kind == Kind::string ? &one : nullptr};
}

std::string_view TokenReader::from_text(const ClientSource& source, std::string_view text,
                                        json::Arena& arena) {
  if (source.kind == ClientSource::Kind::basic) return token::basic_user(text, arena);
  if (source.kind == ClientSource::Kind::oauth1) return token::oauth1_consumer_key(text, arena);
  if (text.front() == '{') return from_claims(source, text, arena);
  return from_jwt(source, text, arena);
}

std::string_view TokenReader::from_jwt(const ClientSource& source, std::string_view text,
                                       json::Arena& arena) {
  Set& set = known_[checksum(text) % known_.size()];
  const auto found = std::find_if(set.begin(), set.end(), [&](const Known& known) {
    return known.source == &source && known.token == text;
  });
  if (found != set.end()) {
    std::rotate(set.begin(), found, found + 1);
    return arena.copy(set.front().client);
  }
  const std::string_view claims = token::jwt_claims(text, arena);
  const std::string_view client =
      claims.empty() ? std::string_view{} : from_claims(source, claims, arena);
  if (text.size() <= kMaxKnownToken && client.size() <= kMaxKnownToken) {
    std::rotate(set.begin(), set.end() - 1, set.end());
    Known& known = set.front();
    known.source = &source;
    known.token.assign(text);
    known.client.assign(client);
  }
  return client;
}

std::string_view TokenReader::from_claims(const ClientSource& source, std::string_view text,
                                          json::Arena& arena) {
  const auto claims = parser_.parse_value(text, arena);
  return claims && claims->kind == Kind::object ? claim(source, *claims, arena)
                                                : std::string_view{};
}

}  // namespace tailgate::filters
