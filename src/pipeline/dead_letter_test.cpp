// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dead_letter.h"

#include <doctest/doctest.h>

#include <string>

#include "json/parse.h"

namespace tailgate::pipeline {
namespace {

std::string line_with_answer(std::string_view answer) {
  const SystemClock clock;
  DeadLetter letter;
  letter.stage = "sink";
  letter.answer = answer;
  letter.event = "{}";
  return DeadLetters::to_stderr(clock, Log()).line(letter);
}

TEST_CASE("whatever a server answered, its dead letter is one line of JSON") {
  for (const char* answer : {"field x", "<html>\n<b>\"no\"</b>\n</html>", "{\"a\":", "\xff\x01",
                             "{\n \"a\": [\r\n1]\n}", "{\"a\":1}", "null"}) {
    const std::string line = line_with_answer(answer);
    CHECK(line.find('\n') == line.size() - 1);
    json::Parser parser;
    json::Arena arena;
    CHECK_MESSAGE(parser.parse_value(line, arena).has_value(), line);
  }
}

TEST_CASE("an answer that is JSON stands in the dead letter as JSON, another as a text") {
  CHECK(line_with_answer("{\"a\":\n1}").find(R"("answer":{"a": 1},)") != std::string::npos);
  CHECK(line_with_answer("field x").find(R"("answer":"field x",)") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::pipeline
