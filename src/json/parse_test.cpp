// SPDX-License-Identifier: Apache-2.0
#include "json/parse.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "json/write.h"

using namespace tailgate;
using json::Arena;
using json::Event;
using json::Parser;

namespace {

std::string padded(std::string_view line) {
  return std::string(line) + std::string(json::kPadding, '}');
}

std::string parse_error(std::string_view line) {
  Parser parser;
  Arena arena;
  Event event(arena);
  const std::string text = padded(line);
  const auto result = parser.parse({text.data(), line.size()}, event);
  return result.has_value() ? "accepted" : result.error().what;
}

}  // namespace

TEST_CASE("what no filter touches leaves byte for byte: lexemes, escapes, order, unknown fields") {
  const std::vector<std::string> lines = {
      R"({"a":1.0,"b":1e3,"c":12345678901234567890,"d":-0,"e":1E+2})",
      R"({"s":"\u00e9\/\"\\\b\f\n\r\t","lone":"\ud800","pair":"\ud83d\ude80"})",
      R"({"z":null,"y":true,"x":false,"w":{"b":1,"a":[1, 2,{"q":null}] , "e":{}},"v":[]})",
      R"({"ключ":"знач","e\"k":1})",
      R"({})",
  };
  Parser parser;
  for (const std::string& line : lines) {
    Arena arena;
    Event event(arena);
    const std::string text = padded(line);
    REQUIRE_MESSAGE(parser.parse({text.data(), line.size()}, event).has_value(), line);
    std::string out;
    json::write(event, out);
    CHECK(out == line);
  }
}

TEST_CASE("every byte is checked: what simdjson's raw tokens let through is refused") {
  for (const char* line : {R"({"a":nul1})",
                           R"({"a":01})",
                           R"({"a":1.2.3})",
                           R"({"a":"\x"})",
                           R"({"a":1}{"b":2})",
                           R"({"a":{"b":01}})",
                           R"({"a":[tru]})",
                           R"({"a":["\u12g4"]})",
                           R"({"a":+1})",
                           R"({"a":.5})",
                           R"({"a":1.})",
                           R"({"a":1e})",
                           R"({"a":-})",
                           R"({"a":"x"y})",
                           R"({"a" 1})",
                           R"({"a":1,})",
                           R"({,"a":1})",
                           R"({"a":1 "b":2})",
                           R"({"a":[1,]})",
                           R"({"a":[1})",
                           R"({"a":1)",
                           R"({"a":})",
                           R"({"\x":1})",
                           R"({"a":"\u12"})",
                           R"({a:1})",
                           R"({"a":'b'})",
                           R"({"a":NaN})",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\x01\"}",
                           "{\"a\":\"b",
                           R"({"a":1} x)",
                           R"([1])",
                           R"("a")",
                           R"(1)",
                           "",
                           "   ",
                           R"({"a":1}})",
                           R"({"a":"b":1]})",
                           R"({"a":["b":1}]})",
                           R"({"a":"b" : \x,]})",
                           R"({"a":{"b":1})",
                           "{\"a\":1\x0b}",
                           "{\"a\":tru\0e}"}) {
    CHECK_MESSAGE(parse_error(line) != "accepted", line);
  }
}

TEST_CASE("the event and what is in it nest a thousand deep, and no deeper") {
  for (const std::size_t depth : {999U, 1000U, 1001U}) {
    std::string line = "{\"a\":";
    for (std::size_t i = 1; i < depth; ++i) line += '[';
    line += '1' + std::string(depth - 1, ']') + '}';
    CHECK((parse_error(line) == "accepted") == (depth <= 1000));
  }
}

TEST_CASE("an error names the column and the reason") {
  CHECK(parse_error(R"({"a":1,"b":nul})").find("column 12") != std::string::npos);
  CHECK(parse_error("plain text") == "not valid JSON at column 1: it is not a JSON object");
  CHECK(parse_error("{\"a\":\"\xff\"}").find("UTF-8") != std::string::npos);
}

TEST_CASE("a line may hold white space around its tokens") {
  Parser parser;
  Arena arena;
  Event event(arena);
  const std::string line = "  { \"a\" : 1 , \"b\" : [ 1 , 2 ] , \"c\" : { \"d\" : \"e\" } }  ";
  const std::string text = padded(line);
  REQUIRE(parser.parse({text.data(), line.size()}, event).has_value());
  std::string out;
  json::write(event, out);
  CHECK(out == R"({"a":1,"b":[ 1 , 2 ],"c":{ "d" : "e" }})");
}

TEST_CASE("of duplicate keys the last value stands at the first position, counted") {
  Parser parser;
  Arena arena;
  Event event(arena);
  const std::string line = R"({"a":1,"b":2,"a":{"c":3},"\u0061":4})";
  const std::string text = padded(line);
  REQUIRE(parser.parse({text.data(), line.size()}, event).has_value());
  std::string out;
  json::write(event, out);
  CHECK(out == R"({"a":4,"b":2})");
  CHECK(event.duplicate_keys == 2);
}

TEST_CASE("nesting has a limit that refuses the line and nothing else") {
  std::string deep = R"({"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  CHECK(parse_error(deep) != "accepted");
  std::string fine = R"({"a":)" + std::string(500, '[') + std::string(500, ']') + "}";
  CHECK(parse_error(fine) == "accepted");
}

TEST_CASE("any value can be parsed, scalars included") {
  Parser parser;
  Arena arena;
  CHECK(parser.parse_value(" 12 ", arena)->raw == "12");
  CHECK(parser.parse_value("\"x\"", arena)->kind == json::Kind::string);
  CHECK(parser.parse_value("[1,{\"a\":2}]", arena)->items->size == 2);
  CHECK_FALSE(parser.parse_value("nope", arena).has_value());
  CHECK_FALSE(parser.parse_value("1 2", arena).has_value());
  CHECK_FALSE(parser.parse_value(R"("a" "b")", arena).has_value());
  CHECK_FALSE(parser.parse_value(R"({"a":"b":1]})", arena).has_value());
  CHECK_FALSE(parser.parse_value("", arena).has_value());
}
