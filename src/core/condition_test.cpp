// SPDX-License-Identifier: Apache-2.0
#include "core/condition.h"

#include <doctest/doctest.h>

#include <string>

#include "json/parse.h"

using tailgate::Condition;

namespace {

class Line {
 public:
  explicit Line(std::string text) : padded_(std::move(text)), event_(arena_) {
    const std::size_t size = padded_.size();
    padded_.append(tailgate::json::kPadding, ' ');
    const auto good = parser_.parse(std::string_view(padded_).substr(0, size), event_);
    REQUIRE(good.has_value());
  }

  bool operator()(std::string_view text) const {
    const auto condition = Condition::parse(text);
    REQUIRE_MESSAGE(condition.has_value(), (condition ? "" : condition.error().what));
    return condition->matches(event_);
  }

 private:
  std::string padded_;
  tailgate::json::Arena arena_;
  tailgate::json::Event event_;
  tailgate::json::Parser parser_;
};

std::string error(std::string_view text) {
  const auto condition = Condition::parse(text);
  return condition ? "" : condition.error().what;
}

// The column (from 0) that the caret points at, and the reason.
std::pair<std::size_t, std::string> wrong(std::string_view text) {
  const std::string what = error(text);
  const std::size_t last = what.rfind('\n');
  REQUIRE(last != std::string::npos);
  return {what.size() - last - 4, what.substr(0, what.find('\n'))};
}

}  // namespace

TEST_CASE("fields compare with numbers, strings, booleans and null") {
  const Line line(
      R"({"status":503,"kind":"access","ok":true,"none":null,"a":{"b":-1.5},"tags":["x","y"]})");
  CHECK(line("status >= 500"));
  CHECK(line("status == 503.0"));
  CHECK_FALSE(line("status < 503"));
  CHECK(line("500 < status"));
  CHECK(line(R"(kind == "access")"));
  CHECK(line("kind == 'access'"));
  CHECK(line(R"(kind > "abc")"));
  CHECK(line("ok == true"));
  CHECK_FALSE(line("ok == false"));
  CHECK(line("none == null"));
  CHECK(line("a.b == -1.5"));
  CHECK(line(R"(tags[1] == "y")"));
  CHECK(line("a.b < status"));
  CHECK_FALSE(line("tags == tags"));
  CHECK_FALSE(line("kind == 5"));
  CHECK_FALSE(line("ok < 5"));
}

TEST_CASE("a missing field makes every comparison false but !=") {
  const Line line(R"({"a":1})");
  for (const char* text : {"b == 1", "b < 1", "b >= 1", "b == null", R"(b in ["x", null])",
                           R"(b =~ ".*")", "a.b == 1", "a[0] == 1", "b == b"}) {
    CHECK_MESSAGE(!line(text), text);
  }
  CHECK(line("b != 1"));
  CHECK(line("b != null"));
  CHECK(line("not (b < 1)"));
  CHECK(line("exists(a)"));
  CHECK_FALSE(line("exists(b)"));
}

TEST_CASE("a number in the condition equals a string that is this number") {
  const Line line(R"({"status":"404","ms":"1e1","word":"x4","n":404,"zero":"007"})");
  CHECK(line("status == 404"));
  CHECK(line("status >= 400"));
  CHECK(line("404 == status"));
  CHECK(line("ms == 10"));
  CHECK(line("status in [404]"));
  CHECK_FALSE(line("word == 4"));
  CHECK_FALSE(line("zero == 7"));
  CHECK_FALSE(line(R"(n == "404")"));
  CHECK_FALSE(line("n == status"));
}

TEST_CASE("large numbers compare exactly") {
  const Line line(R"({"id":12345678901234567891})");
  CHECK(line("id == 12345678901234567891"));
  CHECK_FALSE(line("id == 12345678901234567890"));
  CHECK(line("id > 12345678901234567890"));
}

TEST_CASE("escaped strings compare by what they say") {
  const Line line(R"({"path":"\u002fa\"b","quote":"it's"})");
  CHECK(line(R"(path == "/a\"b")"));
  CHECK(line(R"(path =~ "^/a\"b$")"));
  CHECK(line(R"(quote == 'it\'s')"));
  CHECK(line(R"(quote == "it\u0027s")"));
}

TEST_CASE("a pattern is searched for and its backslashes are its own") {
  const Line line(R"({"path":"/v1/items/42","status":503})");
  CHECK(line(R"(path =~ "/\d+$")"));
  CHECK(line(R"(path =~ 'items')"));
  CHECK_FALSE(line(R"(path =~ "^items")"));
  CHECK(line(R"(status =~ "^5")"));
}

TEST_CASE("and binds tighter than or, not tighter than both") {
  const Line line(R"({"t":true,"f":false})");
  CHECK(line("t == true or t == true and f == true"));
  CHECK_FALSE(line("(t == true or t == true) and f == true"));
  CHECK_FALSE(line("not t == true or f == true"));
  CHECK(line("not not t == true"));
  CHECK(line("not(f == true)and(t == true)"));
  CHECK(line("t in [true] and f in[false]"));
}

TEST_CASE("fields named like keywords are written quoted or inside a path") {
  const Line line(R"({"in":1,"not":{"or":2},"x":{"in":3},"not-found":4})");
  CHECK(line(R"(."in" == 1 and ."not".or == 2)"));
  CHECK(line("x.in == 3 and not.or == 2"));
  CHECK(line("not-found == 4"));
  CHECK(error("in == 1").find(".\"in\"") != std::string::npos);
}

TEST_CASE("an error points a caret at what is wrong") {
  CHECK(error("kind == ") ==
        "the condition is wrong: a path or a constant is missing here\n  kind == \n          ^");
  using Wrong = std::pair<std::size_t, std::string_view>;
  const std::vector<std::pair<std::string_view, Wrong>> cases = {
      {"", {0, "missing"}},
      {"kind = 3", {5, "write =="}},
      {"a == 1 && b == 2", {7, "write and"}},
      {"a == 1 || b == 2", {7, "write or"}},
      {"!(a == 1)", {0, "write not"}},
      {"(a == 1", {0, "never closed"}},
      {"a == 1)", {6, "closes nothing"}},
      {"a == 1 b", {7, "the end belongs here"}},
      {"\"kind\" == \"access\"", {0, "two constants"}},
      {"a == 1 and 2 < 3", {11, "two constants"}},
      {"kind", {0, "a path alone"}},
      {"(true)", {1, "a constant alone"}},
      {"a < true", {4, "have an order"}},
      {"a.+ == 1", {2, "a name holds"}},
      {"a == 5xx", {5, "not a JSON number"}},
      {"a == 007", {5, "not a JSON number"}},
      {"a == \"x", {5, "has no end"}},
      {"a == \"x\\", {5, "has no end"}},
      {"a == \"\\d\"", {5, "backslash"}},
      {"a =~ b", {5, "a pattern in quotes"}},
      {"a =~ \"(\"", {5, "not an RE2 pattern"}},
      {"\"a\" =~ \"b\"", {0, "a path belongs here"}},
      {"\"a\" in [\"b\"]", {0, "a path belongs here"}},
      {"a in []", {6, "a constant belongs here"}},
      {"a in [b]", {6, "a list holds constants"}},
      {"a in [1 2]", {8, "a , or ]"}},
      {"a not in [1]", {2, "write not before"}},
      {"exists a", {7, "in parentheses"}},
      {"exists(\"a\")", {7, "asks for a path"}},
      {"exists(a", {8, "a ) is missing"}},
      {"and a == 1", {0, "a path or a constant"}},
      {"a ? 1", {2, "an operator belongs here"}},
      {"kind ==\nfoo bar", {4, "the end belongs here"}},
      {"\xC3\xA9", {0, "a path or a constant"}},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    const auto [column, reason] = wrong(text);
    CHECK(column == expected.first);
    CHECK_MESSAGE(reason.find(expected.second) != std::string::npos, reason);
  }
}

TEST_CASE("nesting has a limit, a long chain has none") {
  CHECK(error(std::string(1000, '(')).find("nested too deeply") != std::string::npos);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "not ";
  CHECK(error(deep + "a == 1").find("nested too deeply") != std::string::npos);
  std::string longer = "a == 0";
  for (int i = 1; i < 5000; ++i) longer += " or a == " + std::to_string(i);
  const Line line(R"({"a":4999})");
  CHECK(line(longer));
}

TEST_CASE("a condition knows the paths it looks at") {
  const auto condition = Condition::parse("a.b == 1 and not (exists(c) or d in [1] or 3 < e)");
  REQUIRE(condition.has_value());
  std::string all;
  for (const auto& path : condition->paths()) all += path.text() + " ";
  CHECK(all == "a.b c d e ");
}
