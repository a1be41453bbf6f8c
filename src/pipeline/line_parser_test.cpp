// SPDX-License-Identifier: Apache-2.0
#include "pipeline/line_parser.h"

#include <doctest/doctest.h>

#include <string>

#include "json/write.h"

namespace tailgate::pipeline {
namespace {

/// The event as it leaves, or the error.
std::string parsed(const std::string& text, ParseRules rules) {
  LineParser parser(rules);
  json::Arena arena;
  json::Event event(arena);
  const std::string padded = text + std::string(json::kPadding, '}');
  const std::string_view seen = std::string_view(padded).substr(0, text.size());
  const Line line{.text = seen, .joined = seen.find('\n') != std::string_view::npos};
  const auto inner = parser.unwrap(line, arena);
  if (!inner) return inner.error().what;
  const auto result = parser.parse(*inner, event);
  if (!result) return result.error().what;
  std::string out;
  json::write(event, out);
  return out;
}

TEST_CASE("JSON over several lines in a wrapper leaves as one line") {
  CHECK(parsed(R"({"log":"{\"a\":{\n \"b\":[1,\n2]}}\n"})", {.format = Format::docker}) ==
        R"({"a":{  "b":[1, 2]}})");
  CHECK(parsed(R"({"MESSAGE":"{\n\"a\":{\n}\n}","__REALTIME_TIMESTAMP":"1"})",
               {.format = Format::automatic}) == R"({"a":{ }})");
}

TEST_CASE("a line end inside a string of wrapped JSON is not made a space") {
  CHECK(parsed(R"({"log":"{\"a\":\"b\nc\"}"})", {.format = Format::docker})
            .find("a control character stands in a string") != std::string::npos);
  CHECK(parsed(R"({"log":"{\"a\":{\"b\":\"\\n\"}}"})", {.format = Format::docker}) ==
        R"({"a":{"b":"\n"}})");
}

TEST_CASE("the parts of a line become one event") {
  const std::string time = "2026-11-23T00:47:27.919456789Z";
  CHECK(parsed(time + " stdout P {\"a\":\"\xC3\n" + time + " stdout P \xA9\",\"b\n" + time +
                   " stdout F \":1.0}",
               {.format = Format::cri}) == "{\"a\":\"\xC3\xA9\",\"b\":1.0}");
  CHECK(parsed(R"({"log":"{\"a\":","stream":"stdout"})"
               "\n"
               R"({"log":"1}\n","stream":"stdout"})",
               {.format = Format::automatic}) == R"({"a":1})");
  CHECK(parsed(R"({"MESSAGE":"{\"a\":","_LINE_BREAK":"line-max"})"
               "\n"
               R"({"MESSAGE":"1}"})",
               {.format = Format::journald}) == R"({"a":1})");
}

}  // namespace
}  // namespace tailgate::pipeline
