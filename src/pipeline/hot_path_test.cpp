// SPDX-License-Identifier: Apache-2.0
#include "pipeline/hot_path.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>

#include "filters/registry.h"
#include "json/parse.h"
#include "json/write.h"
#include "settings/reader.h"

namespace tailgate::pipeline {
namespace {

using Steps = std::vector<std::pair<std::string, std::string>>;  // a filter's name and its options

Chain chain_of(const Steps& steps) {
  settings::Problems problems;
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  std::vector<Chain::Step> made;
  for (const auto& [name, yaml] : steps) {
    const settings::Node node = settings::read_text(yaml, "t.yaml", none, problems);
    for (const FilterEntry& entry : filters::table()) {
      if (entry.name == name)
        made.push_back(
            {name, entry.make(settings::Section(node, entry.options, problems)), {}, {}});
    }
  }
  REQUIRE_MESSAGE(!problems.any(), problems.text());
  REQUIRE(made.size() == steps.size());
  return Chain(std::move(made));
}

std::map<std::string, std::uint64_t> counts(const Chain& chain) {
  std::map<std::string, std::uint64_t> all;
  for (const Chain::Step& step : chain.steps()) {
    for (const FilterCounter& one : step.filter->counters())
      all[std::string(one.name)] += one.counter->value();
  }
  return all;
}

/// The event as a path leaves it, with what conditions see of it; or why there is none.
struct Left {
  std::string text;
  std::string seen;
  bool operator==(const Left&) const = default;
};

/// The two paths over chains of the same settings.
class Both {
 public:
  explicit Both(const Steps& steps, std::vector<json::Path> reads = {})
      : plain_(chain_of(steps)),
        hot_chain_(chain_of(steps)),
        reads_(reads),
        hot_({.chains = {&hot_chain_}, .reads = std::move(reads), .foreign = {}}) {}

  /// What leaves. Both must agree, and so must their counters.
  std::string operator()(const std::string& line, bool expect_hot = true) {
    const std::string padded = line + std::string(json::kPadding, '1');
    const std::string_view text = std::string_view(padded).substr(0, line.size());
    const Left expected = general(plain_, text);
    json::Arena arena;
    json::Event marked(arena);
    marked.origin = origin_;
    const HotPath::Took took = hot_.take(text, marked);
    const bool is_hot = took != HotPath::Took::general;
    Left got;
    if (took == HotPath::Took::dropped) got.text = "drop";
    if (took == HotPath::Took::event) got = {std::string(hot_.text()), seen(marked)};
    if (!is_hot) got = general(hot_chain_, text);
    hot_lines_ += is_hot ? 1 : 0;
    CHECK_MESSAGE(got == expected, line << "\n  general: " << expected.text << expected.seen
                                        << "\n  hot:     " << got.text << got.seen);
    if (expect_hot) CHECK_MESSAGE(is_hot, line);
    return got.text;
  }
  void check_counters() const { CHECK(counts(plain_) == counts(hot_chain_)); }
  [[nodiscard]] int hot_lines() const { return hot_lines_; }

 private:
  Left general(const Chain& chain, std::string_view line) {
    json::Arena arena;
    json::Event event(arena);
    event.origin = origin_;
    if (!parser_.parse(line, event)) return {"refused", ""};
    const Result<Verdict> verdict = chain.apply(event);
    if (!verdict.has_value()) return {"error", ""};
    if (*verdict == Verdict::drop) return {"drop", ""};
    Left left;
    json::write(event, left.text);
    left.seen = seen(event);
    return left;
  }
  [[nodiscard]] std::string seen(const json::Event& event) const {
    std::string all;
    for (const json::Path& path : reads_) {
      all += ' ';
      const json::Value* value = event.find(path);
      if (value == nullptr) all += "-";
      // Of an object only what is read of it need be there.
      else if (value->kind == json::Kind::object)
        all += "{}";
      else
        json::write(*value, all);
    }
    return all;
  }

  Chain plain_;
  Chain hot_chain_;
  std::vector<json::Path> reads_;
  HotPath hot_;
  json::Parser parser_;
  json::Origin origin_{Uuid{}, 4711, WallTime{}};
  int hot_lines_ = 0;
};

const Steps kUsual = {
    {"unflatten", "{}"}, {"drop_nulls", "{}"}, {"add_client_id", "from: client_id"}};

json::Path path(std::string_view text) {
  return *json::Path::parse(text);
}

}  // namespace

TEST_CASE("hot path: flat keys nest, nulls go, and values leave as they came") {
  Both both(kUsual);
  CHECK(both(R"({"a":1.0,"b.c":"x\u00e9\"","b.d":null,"b.e.f":-1e3,"client_id":"me","t":true})") ==
        R"({"a":1.0,"b":{"c":"x\u00e9\"","e":{"f":-1e3}},"client_id":"me","t":true})");
  CHECK(both(R"({ "a" : 12345678901234567890 , "b.c" : false })") ==
        R"({"a":12345678901234567890,"b":{"c":false}})");
  CHECK(both(R"({"a" :1,"b.c" :"x","b.d": "y"})") == R"({"a":1,"b":{"c":"x","d":"y"}})");
  CHECK(both(R"({"a":null,"b.c":null})") == "{}");
  CHECK(both(R"({"b.c":null,"x":1,"b.d":2})") == R"({"b":{"d":2},"x":1})");
}

TEST_CASE("hot path: an object named again gets the later members too") {
  Both both(kUsual);
  CHECK(both(R"({"b.c":1,"x":2,"b.d":3,"b.e.f":4,"y":5,"b.e.g":6})") ==
        R"({"b":{"c":1,"d":3,"e":{"f":4,"g":6}},"x":2,"y":5})");
}

TEST_CASE("hot path: an object stands where its first member stood, though that one was dropped") {
  Both both(kUsual);
  CHECK(both(R"({"b.e.f":null,"b.c":1,"b.e.g":2,"b.e.h":3})") ==
        R"({"b":{"e":{"g":2,"h":3},"c":1}})");
  CHECK(both(R"({"b.c":null,"d.c":null,"d.f":1,"b.d":2})") == R"({"b":{"d":2},"d":{"f":1}})");
  CHECK(both(R"({"x":1,"b.c":null,"b.d":null,"b.g":2,"d.c":null})") == R"({"x":1,"b":{"g":2}})");
}

TEST_CASE("hot path: many lines whose objects are scattered, and such as are not again") {
  Both both(kUsual);
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i);
    const bool apart = i / 500 % 2 == 0 || i % 7 == 0;
    CHECK(both(apart ? "{\"b.c\":" + n + ",\"x\":0,\"b.d\":1}"
                     : "{\"b.c\":" + n + ",\"b.d\":1,\"x\":0}") ==
          "{\"b\":{\"c\":" + n + ",\"d\":1},\"x\":0}");
  }
}

TEST_CASE("hot path: keys that end alike, in turn, and short ones at the line's begin") {
  Both both(kUsual);
  for (int i = 0; i < 50; ++i) {
    const std::string at = std::to_string(i % 7);
    const std::string first = R"("a)" + at + R"(.same_tail":1)";
    const std::string second = R"("b)" + at + R"(.same_tail":2)";
    const bool turned = i % 3 == 0;
    CHECK(both("{" + (turned ? second : first) + "," + (turned ? first : second) + "}")
              .find("{\"same_tail\":2}") != std::string::npos);
    both(turned ? R"({"x":1,"y":2})" : R"({"y":1,"x":2})");
    both(R"({"":)" + at + R"(,"x":1})");
  }
}

TEST_CASE("hot path: an event that is many times as long as its line") {
  Both both(kUsual);
  std::string line = "{";
  std::string expected = "{";
  for (char first = 'a'; first <= 'z'; ++first) {
    std::string names(1, first);
    std::string objects = std::string("\"") + first + "\":";
    for (int depth = 0; depth < 20; ++depth) {
      names += ".n";
      objects += "{\"n\":";
    }
    const char* const comma = first == 'a' ? "" : ",";
    line += comma + ("\"" + names) + "\":1";
    expected += comma + objects + "1" + std::string(20, '}');
  }
  CHECK_MESSAGE((both(line + "}") == expected + "}"), "not as expected");
}

TEST_CASE("hot path: a line with more members and objects than there are slots") {
  Both both(kUsual);
  const auto line = [](int members, int deep) {
    std::string text = R"({"s.a":1,"k":1,"s.b":1)";
    for (int i = 0; i < members; ++i) text += ",\"m" + std::to_string(i) + "\":1";
    for (int i = 0; i < deep; ++i) {
      text += ",\"n" + std::to_string(i);
      for (int depth = 0; depth < 30; ++depth) text += ".a";
      text += "\":null";
    }
    return text + "}";
  };
  for (int i = 0; i < 3; ++i) CHECK_MESSAGE(!both(line(3950, 70), false).empty(), "nothing left");
  for (int i = 0; i < 3; ++i) CHECK_MESSAGE(!both(line(10, 200), false).empty(), "nothing left");
}

TEST_CASE("hot path: surprises are left to the general path") {
  Both both(kUsual);
  for (const char* line : {R"({"a":1,"a":2})",
                           R"({"a":{"b":null}})",
                           R"({"a":[1]})",
                           R"({"a\u002eb":1})",
                           R"({})",
                           R"({"q.a":1,"q":2})",
                           "{\"a\":1,\t\"b\":2}",
                           R"({"a":01})",
                           R"({"a":1.})",
                           R"({"a":+1})",
                           R"({"a":nul})",
                           R"({"a":"\x"})",
                           R"({"a":"\u12g4"})",
                           R"({"a":1})"
                           "}",
                           R"({"a":1} x)",
                           R"({"a":1,})",
                           R"({"a" 1})",
                           R"({"a":"b)",
                           R"({"a":1)",
                           R"({"a":12)",
                           R"({"a")",
                           R"({)",
                           "",
                           "1",
                           "\"\\\"",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\x01\"}",
                           R"({"a":tru)",
                           R"({"a":"x":1})",
                           R"({"a":-})",
                           R"({"a":1e})",
                           R"({"a":\"b"})",
                           R"({"a":"\\"b"})"}) {
    both(line, false);
  }
  CHECK(both.hot_lines() == 0);
  both(R"({"a":1})");
}

TEST_CASE("hot path: filters see what they read, and what they make leaves") {
  Both both(
      Steps{{"unflatten", "{}"},
            {"drop_nulls", "{}"},
            {"add_client_id", "{from: [client_id, {jwt: http.authorization}, {basic: auth}]}"},
            {"event_meta", "{stream: s, schema: /x/1.0.0, dt: when}"}},
      {path("meta.stream"), path("http.status_code"), path("client_id")});
  both(R"({"client_id":"me","meta.uri":"/","http.method":"GET","http.status_code":200})");
  both(R"({"http.status_code":200,"auth":"Basic bWU6cHc=","x":1,"meta.id":"7"})");
  both(R"({"http.authorization":"Basic eA==","http.status_code":401,"client_id":"-"})");
  both(R"({"http.authorization":"Basic eA==","client_id":null})");
  both(
      R"({"meta.dt":"2026-01-01T00:00:00Z","x":1,"meta.stream":"t","when":"2026-01-01T00:00:01Z"})");
  both(R"({"meta":null,"$schema":null})", false);  // meta is an object in the lines before
  both.check_counters();
}

TEST_CASE("hot path: a line that ends early does not go on in what stands behind it") {
  // Behind a line stands what the buffer held before.
  const std::string stale = R"({"a":1,"k":null,"x":true})" + std::string(json::kPadding, ' ');
  for (const std::string_view chain : {"{}", "{dashes: true}"}) {
    const Chain keeps = chain_of({{"drop_nulls", std::string(chain)}, {"unflatten", "{}"}});
    HotPath hot({.chains = {&keeps}, .reads = {path("k"), path("x")}, .foreign = {}});
    for (std::size_t size = 0; size < 25; ++size) {
      json::Arena arena;
      json::Event marked(arena);
      CHECK(hot.take(std::string_view(stale).substr(0, size), marked) == HotPath::Took::general);
    }
    json::Arena arena;
    json::Event marked(arena);
    CHECK(hot.take(std::string_view(stale).substr(0, 25), marked) == HotPath::Took::event);
  }
}

TEST_CASE("hot path: an object where a number should be is counted on both paths") {
  Both both(Steps{{"unflatten", "{}"}, {"convert", "types: {x: number}"}});
  CHECK(both(R"({"x.a":"1","y":2})", false) == R"({"x":{"a":"1"},"y":2})");
  both.check_counters();
}

TEST_CASE("hot path: an object that a filter took out is not left empty") {
  Both both(Steps{{"unflatten", "{}"}, {"add_client_id", "{from: {jwt: http.auth}}"}});
  CHECK(both(R"({"http.auth.x":"a","http.b":1})", false) == R"({"http":{"b":1}})");
}

TEST_CASE("hot path: a chain with a filter that must see all of an event is the general path's") {
  Both late(Steps{{"add_client_id", "from: a"}, {"unflatten", "{}"}});
  late(R"({"a":1})", false);
  CHECK(late.hot_lines() == 0);
}

TEST_CASE("hot path: both paths agree on lines of any keys, in any order, under many chains") {
  const std::vector<Steps> chains = {
      kUsual,
      {},
      {{"drop_nulls", "{dashes: true, empty_strings: true}"}, {"unflatten", "{}"}},
      {{"unflatten", "{separator: _, max_depth: 2}"}, {"drop_nulls", "{dashes: true}"}},
      {{"unflatten", "{except: [http]}"},
       {"remove", "paths: [meta.a, c.d, x]"},
       {"drop_nulls", "{}"}},
      {{"unflatten", "{}"}, {"remove", "paths: [meta.a, c.d, x]"}},
      {{"unflatten", "{}"}, {"keep", "paths: [meta, http.a, x]"}},
      {{"unflatten", "{}"}, {"rename", "{meta.a: meta.z, x: y}"}, {"drop_nulls", "{}"}},
      {{"unflatten", "{}"},
       {"convert", "types: {meta.a: integer, x: number, http.a: boolean, c.d: string}"},
       {"drop_nulls", "{dashes: true, empty_strings: true}"}},
      {{"unflatten", "{keys: {x: meta.q, y: c}}"}, {"where", "condition: meta.a != 1"}},
      {{"unflatten", "{}"}, {"drop_nulls", "{}"}, {"set", "{meta.z: 1, c.k: '{x|none}', n: null}"}},
      {{"unflatten", "{on_conflict: overwrite}"}, {"event_meta", "{stream: '{x|s}'}"}},
      {{"unflatten", "{}"},
       {"drop_nulls", "{}"},
       {"add_client_id", "{from: [x, {jwt: http.a}, {basic: meta.a}], to: meta.client}"}},
  };
  const std::vector<std::string> keys = {
      "x",   "y", "meta.a", "meta.b", "meta.c.d", "http.a", "http.b_c", "c.d",
      "c.e", "c", "meta",   "http_a", "",         "a..b",   "ü.ö",      "e\\u0041"};
  const std::vector<std::string> values = {
      "null",
      "1",
      "0",
      "1.50",
      "-0.1e+5",
      "true",
      "false",
      R"("")",
      R"("-")",
      R"("text")",
      R"("12")",
      R"("1.5")",
      R"("true")",
      R"("\n\"\\")",
      R"("Basic bWU6cHc=")",
      R"({})",
      R"({"a":null})",
      "[null]",
      R"("a longer text that takes more than one vector to copy, and then some more of it")",
      "nul",
      R"("ü")"};
  std::mt19937 random(20261125);
  const auto pick = [&](std::size_t count) { return random() % count; };
  for (const Steps& steps : chains) {
    Both both(steps, {path("x"), path("meta.a"), path("meta.z"), path("c")});
    for (int i = 0; i < 3000; ++i) {
      std::string line = "{";
      for (std::size_t n = 1 + pick(8); n > 0; --n) {
        // The rarer kinds of values come rarely, or nearly every line would be a surprise.
        const std::string& value = values[pick(10) == 0 ? pick(values.size()) : pick(13)];
        line += (line.size() > 1 ? "," : "") +
                ("\"" + keys[pick(pick(8) == 0 ? keys.size() : 9)] + "\":" + value);
      }
      both(line + "}", false);
    }
    CHECK(both.hot_lines() > 300);
    both.check_counters();
  }
}

}  // namespace tailgate::pipeline
