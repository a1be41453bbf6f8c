// SPDX-License-Identifier: Apache-2.0
#include "core/schema.h"

#include <doctest/doctest.h>

#include "settings/reader.h"

namespace tailgate {
namespace {

using Names = std::vector<std::string_view>;

const char* const kRequest = R"({
  "type": "object",
  "properties": {
    "$schema": {"type": "string"},
    "client_id": {"type": "string"},
    "client": {"type": "object", "properties": {"id": {"type": "string"}, "ip": {}}},
    "meta": {"type": "object", "properties": {"stream": {"type": "string"}, "dt": {"type": "string"}}},
    "http": {"type": "object", "additionalProperties": true, "properties": {
      "status_code": {"type": "integer"},
      "request": {"type": "object", "properties": {"bytes": {"type": "number"}}},
      "request_headers": {"type": "object", "additionalProperties": {"type": "string"}}}},
    "tags": {"type": "array", "items": {"type": ["string", "null"]}},
    "gone": false
  }
})";

struct Read {
  std::optional<Schema> schema;
  std::string problems;
};

Read read(const std::string& text) {
  settings::Problems problems;
  const auto node = settings::read_text(
      text, "s.yaml", [](const std::string&) { return std::nullopt; }, problems);
  Read out{Schema::from(node, problems), {}};
  out.problems = problems.text();
  return out;
}

Schema good(const std::string& text) {
  Read out = read(text);
  CHECK(out.problems == "");
  REQUIRE(out.schema.has_value());
  return *out.schema;
}

std::uint8_t types(const Schema& schema, const char* path) {
  const Schema::Node* node = schema.at(*json::Path::parse(path));
  return node == nullptr ? std::uint8_t{0} : node->types;
}

TEST_CASE("a flat key splits where the schema has properties, not at every separator") {
  const Schema schema = good(kRequest);
  CHECK(schema.split("http_status_code", "_") == Names{"http", "status_code"});
  CHECK(schema.split("http_request_headers_user-agent", "_") ==
        Names{"http", "request_headers", "user-agent"});
  CHECK(schema.split("http_request_headers_x_y_z", "_") ==
        Names{"http", "request_headers", "x_y_z"});
  CHECK(schema.split("meta_stream", "_") == Names{"meta", "stream"});
  CHECK(schema.split("http", "_") == Names{"http"});
  CHECK(schema.split("http.status_code", ".") == Names{"http", "status_code"});
}

TEST_CASE("the longest property comes first, and shorter ones when that leads nowhere") {
  const Schema schema = good(kRequest);
  CHECK(schema.split("client_id", "_") == Names{"client_id"});
  CHECK(schema.split("client_ip", "_") == Names{"client", "ip"});
  CHECK(schema.split("http_request_bytes", "_") == Names{"http", "request", "bytes"});
  // `request` has no such property: the additional properties of http take the rest.
  CHECK(schema.split("http_request_time", "_") == Names{"http", "request_time"});
}

TEST_CASE("without a place in the schema there is no split") {
  const Schema schema = good(kRequest);
  for (const char* key :
       {"duration_ms", "meta_uri", "meta", "http_", "http__x", "http_request_headers_", "_http",
        "client_id_x", "gone", "gone_x", "tags_0", ""}) {
    CAPTURE(key);
    CHECK(schema.split(key, "_") == (std::string_view(key) == "meta" ? Names{"meta"} : Names{}));
  }
}

TEST_CASE("the types of a path are known, through additional properties and items too") {
  const Schema schema = good(kRequest);
  CHECK(types(schema, "http.status_code") == Schema::kInteger);
  CHECK(types(schema, "http.request.bytes") == Schema::kNumber);
  CHECK(types(schema, "http.request_headers.x") == Schema::kString);
  CHECK(types(schema, "http.other") == Schema::kAny);
  CHECK(types(schema, "tags[3]") == (Schema::kString | Schema::kNull));
  CHECK(types(schema, "nothing") == 0);
  CHECK(types(schema, "gone") == 0);
}

TEST_CASE("local references and allOf add up") {
  const Schema schema = good(R"(
definitions: {id: {type: string}, "a/b": {type: [integer, string]}}
$defs: {meta: {properties: {id: {$ref: "#/definitions/id"}}}}
allOf:
  - properties: {meta: {$ref: "#/$defs/meta"}}
  - properties:
      meta: {properties: {dt: {type: string}}}
      n: {allOf: [{$ref: "#/definitions/a~1b"}, {type: number}]}
properties: {x: {$ref: "#/allOf/1/properties/n"}}
)");
  CHECK(schema.split("meta.id", ".") == Names{"meta", "id"});
  CHECK(schema.split("meta.dt", ".") == Names{"meta", "dt"});
  CHECK(types(schema, "n") == Schema::kInteger);
  CHECK(types(schema, "x") == Schema::kInteger);
}

TEST_CASE("a reference may lead back to where it stands, and a hostile key ends") {
  const Schema schema =
      good(R"({properties: {a: {$ref: "#"}, a_a: {$ref: "#"}, b: {type: string}}})");
  CHECK(schema.split("a_a_b", "_") == Names{"a_a", "b"});
  CHECK(types(schema, "a.a.a.b") == Schema::kString);
  std::string key;
  for (int i = 0; i < 10'000; ++i) key += "a_";
  CHECK(schema.split(key + "c", "_").empty());
}

TEST_CASE("alternatives that say only a type are taken together") {
  const Schema schema = good(R"(
definitions: {http: {properties: {method: {type: string}}}}
properties:
  a: {anyOf: [{type: integer}, {type: "null"}]}
  http: {oneOf: [{type: "null"}, {$ref: "#/definitions/http"}]}
)");
  CHECK(types(schema, "a") == (Schema::kInteger | Schema::kNull));
  CHECK(schema.split("http.method", ".") == Names{"http", "method"});
}

TEST_CASE("what could shape an object otherwise is refused where it stands") {
  CHECK(read("properties:\n  a: {$ref: \"/fragment/common/2.0.0\"}").problems.find("s.yaml:2:") ==
        0);
  for (const char* text :
       {"{properties: {a: {$ref: '#/nowhere'}}}", "{properties: {a: {$ref: '#anchor'}}}",
        "{oneOf: [{properties: {a: {}}}, {properties: {b: {}}}]}",
        "{patternProperties: {'^x': {}}}", "{if: {}, then: {properties: {a: {}}}}",
        "{dependencies: {a: {properties: {b: {}}}}}", "{properties: {a: 1}}", "{properties: [a]}",
        "{type: text}", "{allOf: {}}", "[]", "false", "{unevaluatedProperties: {type: string}}"}) {
    CAPTURE(text);
    const Read out = read(text);
    CHECK_FALSE(out.schema.has_value());
    CHECK(out.problems.find("s.yaml:1:") == 0);
  }
}

TEST_CASE("keywords that only restrict values are no problem") {
  good(
      R"({required: [a], properties: {a: {pattern: "^x", enum: [x], maxLength: 3}}, if: {properties: {a: {const: 1}}},
           then: {required: [b]}, not: {required: [c]}, dependencies: {a: [b]}, additionalProperties: false})");
}

TEST_CASE("a schema that cannot be read is a problem") {
  settings::Problems problems;
  CHECK_FALSE(Schema::load("/nowhere/schema.yaml", problems).has_value());
  CHECK(problems.text().find("/nowhere/schema.yaml") != std::string::npos);
}

}  // namespace
}  // namespace tailgate
