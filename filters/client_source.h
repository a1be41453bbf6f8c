// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "json/event.h"
#include "json/parse.h"
#include "settings/options.h"

namespace tailgate::filters {

/// One place where a client's name may stand.
struct ClientSource {
  enum class Kind { field, jwt, basic, oauth1 };
  Kind kind = Kind::field;
  json::Path path;
  std::vector<std::string> claims;  // in the order in which they are asked

  /// It came from the client, and proves who that is: never to be passed on.
  [[nodiscard]] bool credential() const { return kind != Kind::field; }
};

/// Reads `from`. Problems go to the section.
std::vector<ClientSource> read_client_sources(const settings::Section& options);

/// Null, "" or "-": Envoy's ways to say that there is nothing.
bool is_blank(const json::Value& value, json::Arena& arena);
/// True when the value is a string that would let its reader act as the client.
bool holds_credential(const json::Value& value, json::Arena& arena);

struct ClientName {
  std::string_view text;  // empty: there is none
  const json::Value* as_it_came =
      nullptr;  // the string it was read from, where that is all there is to it
};

/// Gets names out of values; keeps the last tokens it decoded, because clients send theirs again and again.
class TokenReader {
 public:
  /// What is named lives as long as the event's arena.
  ClientName read(const ClientSource& source, const json::Value& value, json::Arena& arena);

 private:
  struct Known {
    const ClientSource* source = nullptr;
    std::string token;
    std::string client;
  };
  std::string_view from_text(const ClientSource& source, std::string_view text, json::Arena& arena);
  std::string_view from_jwt(const ClientSource& source, std::string_view text, json::Arena& arena);
  std::string_view from_claims(const ClientSource& source, std::string_view text,
                               json::Arena& arena);

  /// A token is in one set alone; of a set, the one that was used last comes first.
  using Set = std::array<Known, 4>;

  json::Parser parser_;
  std::array<Set, 128> known_;
};

}  // namespace tailgate::filters
