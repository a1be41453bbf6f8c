// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "core/filter.h"
#include "json/parse.h"
#include "settings/reader.h"

namespace tailgate::filters {
extern const FilterEntry kValidateSchemaFilter;
}

using namespace tailgate;

namespace {

std::string verdict(const std::string& line) {
  settings::Problems problems;
  const auto node = settings::read_text("schemas: " TAILGATE_SOURCE_DIR "/config/schemas",
                                        "test.yaml", settings::process_environment(), problems);
  const auto filter = filters::kValidateSchemaFilter.make(
      settings::Section(node, filters::kValidateSchemaFilter.options, problems));
  REQUIRE_MESSAGE(filter != nullptr, problems.text());
  json::Parser parser;
  json::Arena arena;
  json::Event event(arena);
  const std::string padded = line + std::string(json::kPadding, ' ');
  REQUIRE(parser.parse({padded.data(), line.size()}, event).has_value());
  const auto result = filter->apply(event);
  return result.has_value() ? "kept" : result.error().what;
}

}  // namespace

TEST_CASE("an event that its schema allows is kept") {
  CHECK(
      verdict(
          R"({"$schema":"/mediawiki/api/request/1.0.0","meta":{"stream":"s"},"http":{"status_code":200}})") ==
      "kept");
}

TEST_CASE("an event that its schema refuses is an error that names the path") {
  const std::string wrong = verdict(
      R"({"$schema":"/mediawiki/api/request/1.0.0","meta":{"stream":"s"},"http":{"status_code":"200"}})");
  CHECK_MESSAGE(wrong.find(".http.status_code") != std::string::npos, wrong);
  CHECK(verdict(R"({"$schema":"/mediawiki/api/request/1.0.0"})") != "kept");
}

TEST_CASE("a schema that is not there, or outside the folder, refuses the event") {
  CHECK(verdict(R"({"$schema":"/no/such/1.0.0"})").find("no such file") != std::string::npos);
  CHECK(verdict(R"({"$schema":"/../../etc/passwd"})").find("not a path inside") !=
        std::string::npos);
  CHECK(verdict(R"({"a":1})") == "$schema is missing");
}
