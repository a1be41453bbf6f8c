// SPDX-License-Identifier: Apache-2.0
#include "json/diagnose.h"

#include <doctest/doctest.h>

#include <string>

namespace tailgate::json {
namespace {

std::string flaw(std::string_view text) {
  const auto found = find_flaw(text, 1000);
  return found ? std::to_string(found->offset) + ": " + std::string(found->what) : "none";
}

TEST_CASE("the first flaw is found at its place") {
  CHECK(flaw(R"({"a":1},)") == "7: more follows after the end");
  CHECK(flaw(R"({"a":1} // c)") == "8: more follows after the end");
  CHECK(flaw(R"({"a":1])") == "6: the wrong bracket closes here");
  CHECK(flaw(std::string("{\"a\":1}\0", 8)) == "7: more follows after the end");
  CHECK(flaw("{\"bad\":\"\xff\"}") == "8: it is not valid UTF-8");
  CHECK(flaw("{\"a\":\"\x01\"}") == "6: a control character stands in a string without an escape");
  CHECK(flaw(R"({"a":1)") == "6: an object or array is not closed");
  CHECK(flaw(R"({"a":"x)") == "7: a string is not closed");
  CHECK(flaw(R"({"a":})") == "5: a value is missing");
  CHECK(flaw(R"({"a":01})") == "6: a number has a leading zero");
  CHECK(flaw(R"({"a":1.})") == "7: a number has no digits after its point");
  CHECK(flaw(R"({"a":1e})") == "7: a number has no digits in its exponent");
  CHECK(flaw(R"({"a":nul1})") ==
        "5: a value is none of true, false and null, no number and no string");
  CHECK(flaw(R"({"a":"\x"})") == "7: there is no such escape");
  CHECK(flaw(R"({"a":"\u12g4"})") == "10: \\u needs four hexadecimal digits");
  CHECK(flaw(R"({"a":1,})") == "7: a name in quotes is missing");
  CHECK(flaw(R"({"a" 1})") == "5: a colon is missing after a name");
  CHECK(flaw(R"({"a":[1 2]})") == "8: a comma or ] is missing");
  CHECK(flaw("") == "0: a value is missing");
}

TEST_CASE("what is right has no flaw") {
  CHECK(flaw(R"( {"a":[],"b":{},"c":[1,-0.5e+3,true,null,"\u00e9\/"],"":""} )") == "none");
  CHECK(flaw(std::string(1000, '[') + std::string(1000, ']')) == "none");
  CHECK(flaw(std::string(1001, '[')) == "1000: it is nested too deep");
}

}  // namespace
}  // namespace tailgate::json
