// SPDX-License-Identifier: Apache-2.0
#include "filters/client_source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/base64.h"
#include "core/filter.h"
#include "settings/reader.h"

namespace tailgate::filters {

extern const FilterEntry kAddClientIdFilter;

namespace {

struct Sources {
  explicit Sources(const std::string& yaml) {
    const auto none = [](const std::string&) { return std::optional<std::string>(); };
    const settings::Node node = settings::read_text(yaml, "t.yaml", none, problems);
    list = read_client_sources(settings::Section(node, kAddClientIdFilter.options, problems));
  }
  settings::Problems problems;
  std::vector<ClientSource> list;
};

// The name that the source gives for the JSON value.
class Reader {
 public:
  explicit Reader(const std::string& yaml) : sources_(yaml) {
    REQUIRE_FALSE(sources_.problems.any());
    REQUIRE(sources_.list.size() == 1);
  }
  std::string operator()(const std::string& json) {
    json::Arena arena;
    json::Event event(arena);
    const std::string line = R"({"v":)" + json + "}" + std::string(json::kPadding, ' ');
    const std::size_t size = line.size() - json::kPadding;
    REQUIRE(parser_.parse(std::string_view(line).substr(0, size), event).has_value());
    return std::string(tokens_.read(sources_.list[0], event.root().first->value, arena).text);
  }

 private:
  Sources sources_;
  json::Parser parser_;
  TokenReader tokens_;
};

std::string jwt(const std::string& claims) {
  std::string payload = base64(claims);
  while (payload.ends_with('=')) payload.pop_back();
  std::replace(payload.begin(), payload.end(), '+', '-');
  std::replace(payload.begin(), payload.end(), '/', '_');
  return "eyJhbGciOiJub25lIn0." + payload + ".c2lnbmF0dXJl";
}

TEST_CASE("a place is a path alone or says of which kind it is") {
  const Sources sources(
      "from: [client_id, {jwt: http.auth, claims: [cid]}, {basic: a}, {oauth1: b}]");
  REQUIRE_FALSE(sources.problems.any());
  REQUIRE(sources.list.size() == 4);
  CHECK(sources.list[0].kind == ClientSource::Kind::field);
  CHECK(sources.list[0].claims.front() == "client_id");
  CHECK_FALSE(sources.list[0].credential());
  CHECK(sources.list[1].kind == ClientSource::Kind::jwt);
  CHECK(sources.list[1].claims == std::vector<std::string>{"cid"});
  CHECK(sources.list[1].path.text() == "http.auth");
  CHECK(sources.list[2].credential());
  CHECK(sources.list[3].credential());
}

TEST_CASE("what is no place is named") {
  const auto wrong = [](const std::string& yaml, std::string_view says) {
    const Sources sources(yaml);
    CHECK_MESSAGE(sources.problems.text().find(says) != std::string::npos, sources.problems.text());
  };
  wrong("from: [{jtw: a}]", "did you mean jwt?");
  wrong("from: [{jwt: a, basic: b}]", "exactly one of");
  wrong("from: [{basic: a, claims: [cid]}]", "only a field or a jwt has claims");
  wrong("from: [{jwt: a, claims: []}]", "a list of names of claims");
  wrong("from: []", "must not be empty");
  wrong("from: ['a[']", "from");
}

TEST_CASE("a field gives the name it holds, or that of its first claim") {
  Reader name("from: v");
  CHECK(name(R"("mobile-app")") == "mobile-app");
  CHECK(name("17") == "17");
  CHECK(name(R"(["first","second"])") == "first");
  CHECK(name(R"({"azp":"app","cid":"other"})") == "app");
  CHECK(name(R"("{\"cid\":\"app\"}")") == "app");
  CHECK(name(R"("-")").empty());
  CHECK(name("null").empty());
  CHECK(name("[]").empty());
}

TEST_CASE("a credential in a field is never a name") {
  Reader name("from: v");
  CHECK(name("\"" + jwt(R"({"client_id":"app"})") + "\"").empty());
  CHECK(name(R"("Bearer abcdefgh")").empty());
}

TEST_CASE("tokens give the name of their client, also when they come again") {
  Reader name("from: {jwt: v}");
  for (int i = 0; i < 3; ++i) {
    CHECK(name("\"Bearer " + jwt(R"({"client_id":"app"})") + "\"") == "app");
    CHECK(name("\"Bearer " + jwt(R"({"azp":"other"})") + "\"") == "other");
  }
  CHECK(name("\"" + jwt(R"({"sub":"a person"})") + "\"").empty());
  CHECK(name(R"("no token")").empty());
  CHECK(Reader("from: {basic: v}")("\"Basic " + base64("app:secret") + "\"") == "app");
  CHECK(Reader("from: {oauth1: v}")(R"("OAuth oauth_consumer_key=\"key\",oauth_token=\"t\"")") ==
        "key");
}

TEST_CASE("blank are null, an empty text and a dash") {
  json::Arena arena;
  json::Parser parser;
  const auto value = [&](const std::string& json) {
    const std::string_view text = arena.copy(json + std::string(json::kPadding, ' '));
    return *parser.parse_value(text.substr(0, json.size()), arena);
  };
  for (const char* blank : {"null", R"("")", R"("-")"}) CHECK(is_blank(value(blank), arena));
  for (const char* other : {"0", "false", R"("a")", "{}"})
    CHECK_FALSE(is_blank(value(other), arena));
  CHECK(holds_credential(value(R"(["Basic YTpi"])"), arena));
  CHECK_FALSE(holds_credential(value(R"("mobile-app")"), arena));
}

}  // namespace
}  // namespace tailgate::filters
