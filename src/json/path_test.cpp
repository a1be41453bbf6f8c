// SPDX-License-Identifier: Apache-2.0
#include "json/path.h"

#include <doctest/doctest.h>

#include <string>

using tailgate::json::Path;

namespace {

Path path(std::string_view text) {
  auto parsed = Path::parse(text);
  REQUIRE_MESSAGE(parsed.has_value(), text);
  return *parsed;
}

std::string error(std::string_view text) {
  const auto parsed = Path::parse(text);
  return parsed ? "" : parsed.error().what;
}

}  // namespace

TEST_CASE("a path is names between dots, and elements in brackets") {
  const Path parsed = path("http.request_headers.user-agent");
  REQUIRE(parsed.segments().size() == 3);
  CHECK(parsed.segments()[0].name == "http");
  CHECK(parsed.segments()[2].name == "user-agent");
  CHECK(path("tags[12].$x").segments()[1].index == 12);
  CHECK(path("tags[12].$x").segments()[2].name == "$x");
}

TEST_CASE("a quoted segment holds any name and knows how JSON writes it") {
  const Path parsed = path(R"(."oslo.message".a."q\"b\\")");
  REQUIRE(parsed.segments().size() == 3);
  CHECK(parsed.segments()[0].name == "oslo.message");
  CHECK(parsed.segments()[2].name == "q\"b\\");
  CHECK(parsed.segments()[2].key == R"(q\"b\\)");
  CHECK(path(R"(a."")").segments()[1].name.empty());
}

TEST_CASE("a path's text reads back as the same path") {
  for (const std::string_view text :
       {"a", "a.b-c.$d.@e", "tags[0][1].x", R"(."oslo.message".level)", R"(a."b \" \\ c"[3])"}) {
    CHECK(path(text).text() == text);
    CHECK(path(path(text).text()) == path(text));
  }
  CHECK(Path::of({"a.b", "c"}).text() == R"(."a.b".c)");
  CHECK(Path::of({"a", "b"}) == path("a.b"));
}

TEST_CASE("an error names the column and what is expected there") {
  CHECK(error("a..b").find("column 3") != std::string::npos);
  CHECK(error("").find("column 1: a name is missing") != std::string::npos);
  CHECK(error("a.").find("column 3") != std::string::npos);
  CHECK(error(".a").find("column 1") != std::string::npos);
  CHECK(error("\"a\"").find("after a dot") != std::string::npos);
  CHECK(error("[0]").find("an event is an object") != std::string::npos);
  CHECK(error("a[x]").find("column 3: an element") != std::string::npos);
  CHECK(error("a[1").find("column 4: a ]") != std::string::npos);
  CHECK(error("a[12345678901]").find("column 12") != std::string::npos);
  CHECK(error("a b").find("column 2") != std::string::npos);
  CHECK(error(R"(a."b)").find("column 3: this quoted name has no end") != std::string::npos);
  CHECK(error(R"(a."\n")").find("column 4") != std::string::npos);
}

TEST_CASE("a path lies within itself and what it starts with") {
  CHECK(path("a.b.c").within(path("a.b")));
  CHECK(path("a.b").within(path("a.b")));
  CHECK_FALSE(path("a.b").within(path("a.b.c")));
  CHECK_FALSE(path("a.bc").within(path("a.b")));
  CHECK_FALSE(path("a[1]").within(path("a[0]")));
}

TEST_CASE("a prefix ends where the path ends") {
  std::size_t consumed = 0;
  CHECK(Path::parse_prefix("a.b == 3", consumed)->text() == "a.b");
  CHECK(consumed == 3);
  CHECK_FALSE(Path::parse_prefix("a.+", consumed).has_value());
  CHECK(consumed == 2);
}
