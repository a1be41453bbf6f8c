// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "core/filter.h"
#include "json/parse.h"
#include "settings/reader.h"

namespace tailgate::filters {
extern const FilterEntry kWhereFilter;
}

using namespace tailgate;

namespace {

std::unique_ptr<Filter> where(const std::string& yaml, settings::Problems& problems) {
  const auto node =
      settings::read_text(yaml, "test.yaml", settings::process_environment(), problems);
  return filters::kWhereFilter.make(
      settings::Section(node, filters::kWhereFilter.options, problems));
}

Verdict verdict(Filter& filter, const std::string& line) {
  json::Parser parser;
  json::Arena arena;
  json::Event event(arena);
  const std::string padded = line + std::string(json::kPadding, ' ');
  REQUIRE(parser.parse({padded.data(), line.size()}, event).has_value());
  return filter.apply(event).value();
}

}  // namespace

TEST_CASE("where keeps what matches and drops the rest") {
  settings::Problems problems;
  const auto filter = where("condition: 'http.status_code >= 500'", problems);
  REQUIRE_MESSAGE(filter != nullptr, problems.text());
  CHECK(verdict(*filter, R"({"http":{"status_code":503}})") == Verdict::keep);
  CHECK(verdict(*filter, R"({"http":{"status_code":200}})") == Verdict::drop);
  CHECK(verdict(*filter, "{}") == Verdict::drop);
}

TEST_CASE("where says what is wrong with its condition") {
  settings::Problems problems;
  CHECK(where("condition: 'a =='", problems) == nullptr);
  CHECK(problems.any());
}
