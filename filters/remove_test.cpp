// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kRemoveFilter;

namespace {

TEST_CASE("remove: fields go, and objects that became empty by it") {
  FilterFixture remove(kRemoveFilter,
                       "paths: [a, http.request_headers.authorization, none.such]\n");
  CHECK(remove(R"({"a":{"x":1},"http":{"request_headers":{"authorization":"s"},"m":1},"b":{}})") ==
        R"({"http":{"m":1},"b":{}})");
  CHECK(remove(R"({"http":{"request_headers":{"authorization":"s"}}})") == "{}");
  CHECK(remove(R"({"http":{"request_headers":{"x":  1}}})") ==
        R"({"http":{"request_headers":{"x":  1}}})");
  CHECK(remove(R"({"http":"a"})") == R"({"http":"a"})");
}

TEST_CASE("remove: elements of an array are named by where they stood") {
  FilterFixture remove(kRemoveFilter, "paths: ['t[0]', 't[2]', 't[10].x']\n");
  CHECK(remove(R"({"t":["a","b","c","d"]})") == R"({"t":["b","d"]})");
}

TEST_CASE("remove: the rule for a key is known unless something inside it goes") {
  FilterFixture remove(kRemoveFilter, "paths: a.b\n");
  CHECK(remove.rule("a.b") == "removed");
  CHECK(remove.rule("a.b.c") == "removed");
  CHECK(remove.rule("a.bc") == "a.bc");
  CHECK(remove.rule("a") == "depends");
}

TEST_CASE("remove: without a path it is a problem") {
  CHECK(FilterFixture(kRemoveFilter, "paths: []\n").problems().find("paths: ") !=
        std::string::npos);
  CHECK(FilterFixture(kRemoveFilter, "paths: [a., b]\n").problems().find("column 3") !=
        std::string::npos);
}

}  // namespace
}  // namespace tailgate::filters
