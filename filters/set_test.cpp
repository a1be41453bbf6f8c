// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kSetFilter;

namespace {

TEST_CASE("set: plain values are typed, quoted ones stay texts") {
  FilterFixture set(kSetFilter,
                    "a: 3\nb: -1.50\nc: true\nd: null\ne: text\nf: \"3\"\ng: 'true'\nh.i: "
                    "12345678901234567890\n");
  CHECK(
      set(R"({"x":1})") ==
      R"({"x":1,"a":3,"b":-1.50,"c":true,"d":null,"e":"text","f":"3","g":"true","h":{"i":12345678901234567890}})");
}

TEST_CASE("set: a value that is there is replaced in its place") {
  FilterFixture set(kSetFilter, "a: new\n\"http.request_headers.x-y\": 1\n");
  CHECK(set(R"({"a":{"b":1},"http":{"method":"GET"},"z":0})") ==
        R"({"a":"new","http":{"method":"GET","request_headers":{"x-y":1}},"z":0})");
}

TEST_CASE("set: a text may hold fields, and is left out when one is missing") {
  FilterFixture set(kSetFilter,
                    "line: \"{method} {path|/}\"\nuser: \"u-{id}\"\nbraces: \"{{x}}\"\n");
  CHECK(set(R"({"method":"G\"T"})") == R"({"method":"G\"T","line":"G\"T /","braces":"{x}"})");
  CHECK(set(R"({"method":"GET","path":"/a","id":7})") ==
        R"({"method":"GET","path":"/a","id":7,"line":"GET /a","user":"u-7","braces":"{x}"})");
}

TEST_CASE("set: a value that is no object in the way is the event's error") {
  FilterFixture set(kSetFilter, "http.method: GET\n");
  CHECK(set(R"({"http":"x"})") ==
        "error: set cannot make http.method: what stands on the way is not an object");
}

TEST_CASE("set: wrong paths and values are problems at their place") {
  const FilterFixture set(kSetFilter, "a..b: 1\nc: [1]\nd: \"{x\"\n");
  CHECK(set.problems().find("t.yaml:1:1: ") != std::string::npos);
  CHECK(set.problems().find("t.yaml:2:4: c: ") != std::string::npos);
  CHECK(set.problems().find("t.yaml:3:4: d: ") != std::string::npos);
  CHECK(FilterFixture(kSetFilter, "{}\n").problems().find("names no path") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::filters
