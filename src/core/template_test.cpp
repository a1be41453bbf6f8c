// SPDX-License-Identifier: Apache-2.0
#include "core/template.h"

#include <doctest/doctest.h>

#include <string>

#include "json/event.h"

using tailgate::Template;
namespace json = tailgate::json;

namespace {

std::string error(std::string_view text) {
  const auto parsed = Template::parse(text);
  return parsed ? "" : parsed.error().what;
}

struct Fields {
  Fields() {
    REQUIRE(event.set(*json::Path::parse("meta.stream"), json::string_value("api", arena)));
    REQUIRE(event.set(*json::Path::parse("n"), json::Value{json::Kind::number, "1.50"}));
    REQUIRE(event.set(*json::Path::parse("none"), json::Value{}));
    REQUIRE(event.set(*json::Path::parse("escaped"), json::Value{json::Kind::string, R"("a\/b")"}));
    REQUIRE(event.set(*json::Path::parse(R"(."a}b")"), json::string_value("odd", arena)));
  }
  // What the template gives for the event, or "missing".
  std::string operator()(std::string_view text) {
    const auto parsed = Template::parse(text);
    REQUIRE_MESSAGE(parsed.has_value(), error(text));
    std::string out = ">";
    if (parsed->expand(event, out)) return out.substr(1);
    CHECK(out == ">");
    return "missing";
  }
  json::Arena arena;
  json::Event event{arena};
};

}  // namespace

TEST_CASE("fields take their place in the text") {
  Fields fields;
  CHECK(fields("staging.{meta.stream}") == "staging.api");
  CHECK(fields("{n}-{escaped}!") == "1.50-a/b!");
  CHECK(fields(R"({."a}b"})") == "odd");
  CHECK(fields("plain") == "plain");
  CHECK(fields("") == "");
  CHECK(fields("{{{n}}}") == "{1.50}");
}

TEST_CASE("a missing, null or nested field gives the default, or nothing at all") {
  Fields fields;
  CHECK(fields("x.{nope|unknown}") == "x.unknown");
  CHECK(fields("x.{none|}") == "x.");
  CHECK(fields("x.{meta|y}") == "x.y");
  CHECK(fields("x.{nope}") == "missing");
  CHECK(fields("x.{none}") == "missing");
}

TEST_CASE("a template knows whether it depends on the event, and on which fields") {
  CHECK(Template::parse("a{{b}}")->constant());
  const auto parsed = Template::parse("{a.b|x}{c}");
  CHECK_FALSE(parsed->constant());
  REQUIRE(parsed->paths().size() == 2);
  CHECK(parsed->paths()[0].text() == "a.b");
}

TEST_CASE("an error in a template names the column") {
  CHECK(error("a}b").find("column 2: this } closes nothing") != std::string::npos);
  CHECK(error("a{b").find("column 2: this { is never closed") != std::string::npos);
  CHECK(error("a{b|c").find("column 2: this { is never closed") != std::string::npos);
  CHECK(error("a{}").find("column 3") != std::string::npos);
  CHECK(error("{a b}").find("column 3: a } belongs here") != std::string::npos);
  CHECK(error("{a|b{c}}").find("column 5: a } belongs here") != std::string::npos);
}
