// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kUnflattenFilter;

namespace {

TEST_CASE("flat keys become nested objects, in the order of their first appearance") {
  FilterFixture nest(kUnflattenFilter);
  CHECK(nest(R"({"a.b":1,"c":2,"a.d.e":3,"a.d.f":4,"g.h":5})") ==
        R"({"a":{"b":1,"d":{"e":3,"f":4}},"c":2,"g":{"h":5}})");
  CHECK(nest(R"({"x":1,"a.b":{"c.d":1.0}})") == R"({"x":1,"a":{"b":{"c.d":1.0}}})");
}

TEST_CASE("an event without a key to split is not touched") {
  FilterFixture nest(kUnflattenFilter);
  const std::string line = R"({"a":{"b" : 1},"c":[1 ,2],"d_e":"\u0041"})";
  CHECK(nest(line) == line);
  CHECK(nest("{}") == "{}");
}

TEST_CASE("empty names stay flat") {
  FilterFixture nest(kUnflattenFilter);
  for (const char* key : {".a", "a.", "a..b", ".", "..", "", "a.b..c"}) {
    const std::string line = R"({")" + std::string(key) + R"(":1})";
    CHECK(nest(line) == line);
  }
}

TEST_CASE("other separators, of several bytes too") {
  CHECK(FilterFixture(kUnflattenFilter, "separator: __")(R"({"a__b_c":1,"a.d":2})") ==
        R"({"a":{"b_c":1},"a.d":2})");
  CHECK(FilterFixture(kUnflattenFilter, "separator: →")(R"({"a→b":1,"a\u2192c":2})") ==
        R"({"a":{"b":1,"c":2}})");
}

TEST_CASE("escapes in keys stay as they came, on both sides of the separator") {
  FilterFixture nest(kUnflattenFilter);
  CHECK(nest(R"({"caf\u00e9.\u0062":1,"café.c\n":2,"\ud83d\ude00.x\ud800.y":3})") ==
        R"({"caf\u00e9":{"\u0062":1,"c\n":2},"\ud83d\ude00":{"x\ud800":{"y":3}}})");
  CHECK(nest(R"({"a\u002eb":1})") == R"({"a":{"b":1}})");
}

TEST_CASE("objects that are there already merge") {
  FilterFixture nest(kUnflattenFilter);
  CHECK(nest(R"({"a":{"d":3},"c":2,"a.b":1})") == R"({"a":{"d":3,"b":1},"c":2})");
  CHECK(nest(R"({"a.b":1,"c":2,"a":{"d":3,"e":4}})") == R"({"a":{"b":1,"d":3,"e":4},"c":2})");
  CHECK(nest(R"({"a.b":1,"a.c":2,"x":0,"a":{"d":3},"a.e":5})") ==
        R"({"a":{"b":1,"c":2,"d":3,"e":5},"x":0})");
  CHECK(nest(R"({"a.b":1,"a":{}})") == R"({"a":{"b":1}})");
  CHECK(nest(R"({"a":{"b":{"x":1}},"a.b":{"y":2},"a.b.z":3})") ==
        R"({"a":{"b":{"x":1,"y":2,"z":3}}})");
  CHECK(nest(R"({"a":{"b":{ "x" : 1 },"c":{ "y" : 2 }},"a.b.z":3})") ==
        R"({"a":{"b":{"x":1,"z":3},"c":{ "y" : 2 }}})");
  CHECK(nest.counter("conflicts") == 0);
}

TEST_CASE("a conflict leaves the flat key flat, whichever comes first, and is counted") {
  FilterFixture nest(kUnflattenFilter);
  CHECK(nest(R"({"a":1,"a.b":2})") == R"({"a":1,"a.b":2})");
  CHECK(nest(R"({"a.b":2,"a":1})") == R"({"a.b":2,"a":1})");
  CHECK(nest(R"({"a.b":1,"a.b.c":2})") == R"({"a":{"b":1},"a.b.c":2})");
  CHECK(nest(R"({"a.b.c":2,"a.b":1})") == R"({"a":{"b":{"c":2}},"a.b":1})");
  CHECK(nest(R"({"a.b":1,"a":{"b":2}})") == R"({"a.b":1,"a":{"b":2}})");
  CHECK(nest(R"({"a":{"b":2},"a.b":1})") == R"({"a":{"b":2},"a.b":1})");
  CHECK(nest(R"({"a":[1],"a.0":1})") == R"({"a":[1],"a.0":1})");
  CHECK(nest(R"({"a":null,"a.b":1})") == R"({"a":null,"a.b":1})");
  CHECK(nest(R"({"a":{"b":{"x":1}},"a.b":{"y":2,"x":3}})") ==
        R"({"a":{"b":{"x":1}},"a.b":{"y":2,"x":3}})");
  CHECK(nest.counter("conflicts") == 9);
}

TEST_CASE("a conflict is the event's error when asked for, and nothing is lost in it") {
  FilterFixture nest(kUnflattenFilter, "on_conflict: error");
  CHECK(nest(R"({"a":1,"c.d":1,"a.b":2,"e":3,"f.g":4})")
            .starts_with("error: unflatten: the key \"a.b\""));
  CHECK(nest.left() == R"({"a":1,"c":{"d":1},"a.b":2,"e":3,"f.g":4})");
  CHECK(nest(R"({"a.b":2,"x":{"y":1},"x.y":3,"x.z":4})").starts_with("error:"));
  CHECK(nest(R"({"a.b":1})") == R"({"a":{"b":1}})");
}

TEST_CASE("the later key wins when asked for") {
  FilterFixture nest(kUnflattenFilter, "on_conflict: overwrite");
  CHECK(nest(R"({"a":1,"a.b":2})") == R"({"a":{"b":2}})");
  CHECK(nest(R"({"a.b":2,"a":1})") == R"({"a":1})");
  CHECK(nest(R"({"a.b":2,"a":1,"a.c":3})") == R"({"a":{"c":3}})");
  CHECK(nest(R"({"a.b":1,"a":{"b":2,"c":3}})") == R"({"a":{"b":2,"c":3}})");
  CHECK(nest(R"({"a":{"b":2,"c":3},"a.b":1})") == R"({"a":{"b":1,"c":3}})");
  CHECK(nest(R"({"a.b.c":2,"a.b":1})") == R"({"a":{"b":1}})");
  CHECK(nest.counter("conflicts") == 7);
}

TEST_CASE("only, except and max_depth") {
  FilterFixture only(kUnflattenFilter, "{only: [http, meta.], except: http.request}");
  CHECK(
      only(R"({"http.a":1,"meta.b":2,"httpx.c":3,"x.y":4,"http.request.d":5,"http.requests":6})") ==
      R"({"http":{"a":1,"requests":6},"meta":{"b":2},"httpx.c":3,"x.y":4,"http.request.d":5})");
  FilterFixture two(kUnflattenFilter, "max_depth: 2");
  CHECK(two(R"({"a.b.c.d":1,"a.e":2})") == R"({"a":{"b.c.d":1,"e":2}})");
}

TEST_CASE("keys of their own go where the settings say") {
  FilterFixture nest(kUnflattenFilter,
                     R"({keys: {ua: http.request_headers.user-agent, a.b: '."a.b"', old: new}})");
  CHECK(nest(R"({"ua":"x","a.b":1,"old":2,"http.method":"GET"})") ==
        R"({"http":{"request_headers":{"user-agent":"x"},"method":"GET"},"a.b":1,"new":2})");
  CHECK(nest(R"({"old":2,"new":3})") == R"({"old":2,"new":3})");
}

TEST_CASE("a key whose both places are taken is an error, never lost") {
  FilterFixture nest(kUnflattenFilter, R"({keys: {z: '."a.b".c'}})");
  CHECK(nest(R"({"z":1,"a":2,"a.b":3})")
            .starts_with("error: unflatten: the key \"a.b\" can neither"));
  CHECK(nest.left() == R"({"a.b":{"c":1},"a":2,"a.b":3})");
}

TEST_CASE("integer names without a gap become arrays when asked for") {
  FilterFixture nest(kUnflattenFilter, "arrays: true");
  CHECK(nest(R"({"a.1":"y","a.0":"x","b.0.c":1,"b.1.c":2})") ==
        R"({"a":["x","y"],"b":[{"c":1},{"c":2}]})");
  CHECK(nest(R"({"a.1":1,"b.0":1,"b.2":2,"c.00":1,"d.0":1,"d.x":2})") ==
        R"({"a":{"1":1},"b":{"0":1,"2":2},"c":{"00":1},"d":{"0":1,"x":2}})");
  CHECK(nest(R"({"a":{"0":1},"a.1":2,"b.0.0":3})") == R"({"a":{"0":1,"1":2},"b":[[3]]})");
  CHECK(FilterFixture(kUnflattenFilter)(R"({"a.0":1})") == R"({"a":{"0":1}})");
}

class SchemaFile {
 public:
  explicit SchemaFile(const char* text)
      : path_(std::filesystem::temp_directory_path() / "tailgate-unflatten-test.yaml") {
    std::ofstream(path_) << text;
  }
  SchemaFile(const SchemaFile&) = delete;
  SchemaFile& operator=(const SchemaFile&) = delete;
  ~SchemaFile() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string option() const {
    return "separator: _\nschema: " + path_.string() + "\n";
  }

 private:
  std::filesystem::path path_;
};

TEST_CASE("a schema says where the separator splits; what has no place stays flat and is counted") {
  const SchemaFile file(R"(
properties:
  client_id: {type: string}
  http:
    properties:
      status_code: {type: integer}
      request_headers: {additionalProperties: {type: string}}
)");
  FilterFixture nest(kUnflattenFilter, file.option());
  REQUIRE(nest.problems() == "");
  CHECK(
      nest(
          R"({"http_status_code":200,"client_id":"x","http_request_headers_user_agent":"y","duration_ms":1,"kind":2})") ==
      R"({"http":{"status_code":200,"request_headers":{"user_agent":"y"}},"client_id":"x","duration_ms":1,"kind":2})");
  CHECK(nest.counter("unplaced_keys") == 1);
  FilterFixture two(kUnflattenFilter, file.option() + "max_depth: 2");
  CHECK(two(R"({"http_request_headers_user_agent":"y"})") ==
        R"({"http":{"request_headers_user_agent":"y"}})");
}

TEST_CASE("wrong settings are said") {
  const auto problems = [](const std::string& yaml) {
    return FilterFixture(kUnflattenFilter, yaml).problems();
  };
  CHECK(problems("separator: ''").find("must not be empty") != std::string::npos);
  CHECK(problems("max_depth: 0").find("from 1") != std::string::npos);
  CHECK(problems("schema: /nowhere.yaml").find("/nowhere.yaml") != std::string::npos);
  CHECK(problems("keys: {a: 'b[0]'}").find("array's element") != std::string::npos);
  CHECK(problems("keys: {a: 'b..c'}").find("keys") != std::string::npos);
  CHECK(problems("on_conflict: merge").find("keep_flat") != std::string::npos);
}

TEST_CASE("the key alone says where a value goes") {
  FilterFixture nest(kUnflattenFilter, "{keys: {ua: http.ua}}");
  const auto goes = [&](const json::Path& from) {
    KeyPlan plan;
    plan.path = from;
    CHECK(nest.filter().rule(plan));
    return plan.path.text();
  };
  CHECK(goes(json::Path::of({"a.b"})) == "a.b");
  CHECK(goes(json::Path::of({"a.b"})) == json::Path::of({"a", "b"}).text());
  CHECK(goes(json::Path::of({"ua"})) == "http.ua");
  CHECK(goes(json::Path::of({"a", "b.c"})) == json::Path::of({"a", "b.c"}).text());
  KeyPlan plan;
  plan.path = json::Path::of({"a.0"});
  CHECK_FALSE(FilterFixture(kUnflattenFilter, "arrays: true").filter().rule(plan));
}

TEST_CASE("the table of keys is bounded: ever new keys work on") {
  FilterFixture nest(kUnflattenFilter);
  for (int i = 0; i < 20'000; ++i) {
    const std::string n = std::to_string(i);
    CHECK(nest(R"({"a.)" + n + R"(":1,"b":2,"a.b":3})") ==
          R"({"a":{")" + n + R"(":1,"b":3},"b":2})");
  }
}

}  // namespace
}  // namespace tailgate::filters
