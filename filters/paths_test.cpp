// SPDX-License-Identifier: Apache-2.0
#include "filters/paths.h"

#include <doctest/doctest.h>

#include "json/parse.h"
#include "json/write.h"

namespace tailgate::filters {
namespace {

TEST_CASE("a value is taken out together with what became empty by it") {
  json::Arena arena;
  json::Event event(arena);
  const std::string line =
      R"({"a":{"b":[{"c":7}],"e":{}},"d":1})" + std::string(json::kPadding, ' ');
  json::Parser parser;
  REQUIRE(parser.parse(std::string_view(line).substr(0, line.size() - json::kPadding), event));
  CHECK_FALSE(take_out(event, *json::Path::parse("a.b[1].c")).has_value());
  CHECK_FALSE(take_out(event, *json::Path::parse("d.x")).has_value());
  CHECK_FALSE(take_out(event, json::Path()).has_value());
  const auto taken = take_out(event, *json::Path::parse("a.b[0].c"));
  REQUIRE(taken.has_value());
  CHECK(taken->raw == "7");
  std::string left;
  json::write(event, left);
  CHECK(left == R"({"a":{"e":{}},"d":1})");
}

}  // namespace
}  // namespace tailgate::filters
