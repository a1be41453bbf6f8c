// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kDropNullsFilter;

namespace {

TEST_CASE("nulls go at every depth, and what became empty by it") {
  FilterFixture drop(kDropNullsFilter);
  CHECK(drop(R"({"a":null,"b":1})") == R"({"b":1})");
  CHECK(drop(R"({"b":1,"a":null})") == R"({"b":1})");
  CHECK(drop(R"({"a":{"b":{"c":null}},"d":{"e":null,"f":0}})") == R"({"d":{"f":0}})");
  CHECK(drop(R"({"a":null})") == "{}");
  CHECK(drop("{}") == "{}");
}

TEST_CASE("objects inside arrays are searched, and go when they became empty") {
  FilterFixture drop(kDropNullsFilter);
  CHECK(drop(R"({"a":[{"b":null,"c":1},2]})") == R"({"a":[{"c":1},2]})");
  CHECK(drop(R"({"a":[{"b":null},2]})") == R"({"a":[2]})");
  CHECK(drop(R"({"a":[{"b":null}],"c":[[{"d":null}]],"e":1})") == R"({"e":1})");
}

TEST_CASE("null elements keep the places of the others, unless arrays are asked for") {
  FilterFixture drop(kDropNullsFilter);
  CHECK(drop(R"({"a":[null,1,null]})") == R"({"a":[null,1,null]})");
  FilterFixture arrays(kDropNullsFilter, "arrays: true");
  CHECK(arrays(R"({"a":[null,1,null],"b":[null],"c":[[null],2]})") == R"({"a":[1],"c":[2]})");
}

TEST_CASE("what was empty before stays, unless empty containers are asked for") {
  FilterFixture drop(kDropNullsFilter);
  CHECK(drop(R"({"a":{},"b":[],"c":[{}]})") == R"({"a":{},"b":[],"c":[{}]})");
  FilterFixture empty(kDropNullsFilter, "empty_containers: true");
  CHECK(empty(R"({"a":{},"b":[],"c":[{}],"d":0})") == R"({"d":0})");
}

TEST_CASE("dashes and empty strings go only when asked for") {
  const std::string line = R"({"a":"-","b":"","c":" - ","d":"\u002d","e":{"f":"-"},"g":["-"]})";
  CHECK(FilterFixture(kDropNullsFilter)(line) == line);
  CHECK(FilterFixture(kDropNullsFilter, "dashes: true")(line) == R"({"b":"","c":" - ","g":["-"]})");
  CHECK(FilterFixture(kDropNullsFilter, "empty_strings: true")(line) ==
        R"({"a":"-","c":" - ","d":"\u002d","e":{"f":"-"},"g":["-"]})");
  CHECK(FilterFixture(kDropNullsFilter, "{dashes: true, arrays: true}")(line) ==
        R"({"b":"","c":" - "})");
}

TEST_CASE("containers in which nothing was dropped leave byte for byte") {
  FilterFixture drop(kDropNullsFilter);
  CHECK(drop(R"({"x":null,"a": { "n" : 1.0e0 , "s":"\u0041\/" },"b":[ 12e-1 ,0 ]})") ==
        R"({"a":{ "n" : 1.0e0 , "s":"\u0041\/" },"b":[ 12e-1 ,0 ]})");
  CHECK(drop(R"({"a":{ "b" : { "c" : null , "d" : 1.0 } , "e" : [ 1 , 2 ] }})") ==
        R"({"a":{"b":{"d":1.0},"e":[ 1 , 2 ]}})");
}

TEST_CASE("the key alone says that nulls are dropped") {
  FilterFixture drop(kDropNullsFilter, "{dashes: true, empty_strings: true}");
  KeyPlan plan;
  CHECK(drop.filter().rule(plan));
  CHECK(plan.drop_null);
  CHECK(plan.drop_dash);
  CHECK(plan.drop_empty_text);
  CHECK_FALSE(FilterFixture(kDropNullsFilter, "empty_containers: true").filter().rule(plan));
}

}  // namespace
}  // namespace tailgate::filters
