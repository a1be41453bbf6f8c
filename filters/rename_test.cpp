// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kRenameFilter;

namespace {

TEST_CASE("rename: a field keeps its place among its siblings") {
  FilterFixture rename(kRenameFilter, "a: z\nhttp.status: 'http.status_code'\n");
  CHECK(rename(R"({"x":1,"a":1.0,"http":{"m":1,"status":200,"n":2},"y":2})") ==
        R"({"x":1,"z":1.0,"http":{"m":1,"status_code":200,"n":2},"y":2})");
  CHECK(rename(R"({"x": 1,"http":{"m":  1}})") == R"({"x":1,"http":{"m":  1}})");
}

TEST_CASE("rename: to another place, with objects made and emptied ones gone") {
  FilterFixture rename(kRenameFilter, "a: http.a\nu.v.w: top\n");
  CHECK(rename(R"({"a":{"k":1},"u":{"v":{"w":"x"}},"y":2})") ==
        R"({"y":2,"http":{"a":{"k":1}},"top":"x"})");
  FilterFixture wrap(kRenameFilter, "a: a.b\n");
  CHECK(wrap(R"({"a":1})") == R"({"a":{"b":1}})");
  FilterFixture unwrap(kRenameFilter, "a.b: a\n");
  CHECK(unwrap(R"({"a":{"b":1,"c":2}})") == R"({"a":1})");
}

TEST_CASE("rename: two fields may swap, and a value at the new place is replaced") {
  FilterFixture swap(kRenameFilter, "a: b\nb: a\n");
  CHECK(swap(R"({"a":1,"b":2})") == R"({"b":1,"a":2})");
  FilterFixture far(kRenameFilter, "x.a: b\nb: x.a\n");
  CHECK(far(R"({"x":{"a":1,"c":0},"b":2})") == R"({"x":{"c":0,"a":2},"b":1})");
  FilterFixture replace(kRenameFilter, "a: b\n");
  CHECK(replace(R"({"b":2,"a":1,"c":3})") == R"({"b":1,"c":3})");
  FilterFixture either(kRenameFilter, "old: new\nolder: new\n");
  CHECK(either(R"({"older":1})") == R"({"new":1})");
  CHECK(either(R"({"older":1,"old":2})") == R"({"new":1})");
}

TEST_CASE("rename: a field that cannot move stays, counted") {
  FilterFixture rename(kRenameFilter, "a: b.c\n");
  CHECK(rename(R"({"a":1,"b":"x"})") == R"({"b":"x","a":1})");
  CHECK(rename.counter("rename_blocked") == 1);
}

TEST_CASE("rename: the rule among siblings follows the key, others have none") {
  FilterFixture rename(kRenameFilter, "a.b: a.c\n\"d\": ' e f'\n");
  CHECK(rename.problems().find("column 1") != std::string::npos);
  FilterFixture good(kRenameFilter, "a.b: a.c\nd: '.\"e f\"'\n");
  CHECK(good.rule("a.b") == "a.c");
  CHECK(good.rule("a.b.x") == "a.c.x");
  CHECK(good.rule("d") == ".\"e f\"");
  CHECK(good.rule("a") == "depends");
  CHECK(good.rule("z") == "z");
  CHECK(FilterFixture(kRenameFilter, "a: b.c\n").rule("z") == "depends");
}

TEST_CASE("rename: overlapping, missing and indexed names are problems") {
  const FilterFixture rename(kRenameFilter, "a: b\na.c: d\ne:\n't[0]': f\n");
  CHECK(rename.problems().find("t.yaml:2:1: ") != std::string::npos);
  CHECK(rename.problems().find("a new name is missing") != std::string::npos);
  CHECK(rename.problems().find("t.yaml:4:1: ") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::filters
