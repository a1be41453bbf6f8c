// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kKeepFilter;

namespace {

TEST_CASE("keep: only what is named stays, in its order and as it was written") {
  FilterFixture keep(kKeepFilter, "paths: [b, http.status, 't[1]', whole, whole.part]\n");
  CHECK(
      keep(
          R"({"http":{"x":1,"status":200},"a":1,"t":[0,1,2],"b":1.0,"whole":{"part": 1, "rest":2}})") ==
      R"({"http":{"status":200},"t":[1],"b":1.0,"whole":{"part": 1, "rest":2}})");
  CHECK(keep(R"({"http":{"x":1},"t":[0],"b":null})") == R"({"b":null})");
  CHECK(keep(R"({"http":"x"})") == "{}");
}

TEST_CASE("keep: the rule for a key is known unless only something inside it stays") {
  FilterFixture keep(kKeepFilter, "paths: [a, b.c]\n");
  CHECK(keep.rule("a.x") == "a.x");
  CHECK(keep.rule("b.c") == "b.c");
  CHECK(keep.rule("b.d") == "removed");
  CHECK(keep.rule("b") == "depends");
}

}  // namespace
}  // namespace tailgate::filters
