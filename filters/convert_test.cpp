// SPDX-License-Identifier: Apache-2.0
#include "filters/convert.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kConvertFilter;

namespace {

using To = KeyPlan::Convert;

constexpr const char* kTypes =
    "types: {i: integer, n: number, b: boolean, s: string, deep.i: integer}\n";

constexpr const char* kSchema = R"(
type: object
properties:
  http:
    type: object
    properties:
      status_code: {type: integer}
      has_cookies: {type: boolean}
      request_headers: {type: object, additionalProperties: {type: string}}
  backend_time_ms: {type: [integer, "null"]}
  codes: {type: array, items: {type: number}}
  either: {type: [integer, string]}
)";

struct SchemaFile {
  SchemaFile() { std::ofstream(path) << kSchema; }
  ~SchemaFile() { std::filesystem::remove(path); }
  SchemaFile(const SchemaFile&) = delete;
  SchemaFile& operator=(const SchemaFile&) = delete;
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("convert-" + Uuid::random().text() + ".yaml");
};

TEST_CASE("convert: strings become what they stand for, to the digit") {
  FilterFixture convert(kConvertFilter, kTypes);
  CHECK(
      convert(R"({"i":"0","n":"1.50","b":"true","s":404,"deep":{"i":"-12345678901234567890"}})") ==
      R"({"i":0,"n":1.50,"b":true,"s":"404","deep":{"i":-12345678901234567890}})");
  CHECK(convert(R"({"i":"\u0031","s":true})") == R"({"i":1,"s":"true"})");
  CHECK(convert.counter("convert_failed") == 0);
}

TEST_CASE("convert: what has its type already, null, and what is not there are no failures") {
  FilterFixture convert(kConvertFilter, kTypes);
  for (const char* line :
       {R"({"i":1,"n":1e3,"b":false,"s":"x","deep":{"i":2.0}})", R"({"i":null})", "{}"}) {
    CHECK(convert(line) == line);
  }
  CHECK(convert.counter("convert_failed") == 0);
}

TEST_CASE("convert: what does not convert stays, counted") {
  FilterFixture convert(kConvertFilter, kTypes);
  std::uint64_t failed = 0;
  for (const char* line :
       {R"({"i":"-"})", R"({"i":""})", R"({"i":" 1"})", R"({"i":"01"})", R"({"i":"+1"})",
        R"({"i":"1.0"})", R"({"i":"0x1"})", R"({"i":1.5})", R"({"i":true})", R"({"n":"1."})",
        R"({"n":"NaN"})", R"({"b":"True"})", R"({"b":1})", R"({"s":{"a":1}})", R"({"n":[1]})"}) {
    CHECK(convert(line) == line);
    CHECK_MESSAGE(convert.counter("convert_failed") == ++failed, line);
  }
}

TEST_CASE("convert: a schema says the types at every depth") {
  const SchemaFile file;
  FilterFixture convert(kConvertFilter, "schema: " + file.path.string() + "\n");
  REQUIRE(convert.problems() == "");
  CHECK(
      convert(
          R"({"http":{"status_code":"200","has_cookies":"true","request_headers":{"x":5,"y":"6"}},)"
          R"("backend_time_ms":"0","codes":["1.5",2],"either":"7","other":"8"})") ==
      R"({"http":{"status_code":200,"has_cookies":true,"request_headers":{"x":"5","y":"6"}},)"
      R"("backend_time_ms":0,"codes":[1.5,2],"either":"7","other":"8"})");
  CHECK(convert(R"({"http": "x","codes":"y"})") == R"({"http":"x","codes":"y"})");
}

TEST_CASE("convert: the rule for a key is its type, unless the value may hold more") {
  const auto plan = [](Filter& filter, std::string_view path) {
    KeyPlan refined = FilterFixture::plan(path);
    REQUIRE(filter.rule(refined));
    return refined.convert;
  };
  FilterFixture types(kConvertFilter, kTypes);
  CHECK(plan(types.filter(), "deep.i") == To::integer);
  CHECK(plan(types.filter(), "b") == To::boolean);
  CHECK(plan(types.filter(), "x") == To::none);
  CHECK(types.rule("deep") == "depends");
  const SchemaFile file;
  FilterFixture schema(kConvertFilter, "schema: " + file.path.string() + "\n");
  CHECK(plan(schema.filter(), "http.status_code") == To::integer);
  CHECK(plan(schema.filter(), "http.request_headers.user-agent") == To::string);
  CHECK(plan(schema.filter(), "backend_time_ms") == To::integer);
  CHECK(plan(schema.filter(), "either") == To::none);
  CHECK(plan(schema.filter(), "unknown") == To::none);
  CHECK(schema.rule("codes") == "depends");
  KeyPlan other = FilterFixture::plan("b");
  other.convert = To::string;
  CHECK_FALSE(types.filter().rule(other));
}

TEST_CASE("convert: settings that say nothing or too much are problems") {
  CHECK(FilterFixture(kConvertFilter, "{}\n").problems().find("either schema or types") !=
        std::string::npos);
  CHECK(FilterFixture(kConvertFilter, "types: {a: int}\n").problems().find("none of integer") !=
        std::string::npos);
  CHECK(FilterFixture(kConvertFilter, "schema: /none/such.yaml\n").problems() != "");
}

}  // namespace
}  // namespace tailgate::filters
