// SPDX-License-Identifier: Apache-2.0
#include "core/parts.h"

#include <doctest/doctest.h>

#include <string>

namespace tailgate {
namespace {

const std::string kTime = "2026-11-23T00:47:27.919456789Z";

TEST_CASE("the tag of a CRI line says whether it goes on, for stdout and stderr apart") {
  const Part part = part_of(kTime + " stdout P {\"a\"", Format::cri);
  CHECK(part.partial);
  CHECK(part.key != 0);
  CHECK(part_of(kTime + " stdout F :1}", Format::cri).key == part.key);
  CHECK_FALSE(part_of(kTime + " stdout F :1}", Format::cri).partial);
  CHECK(part_of(kTime + " stderr F x", Format::cri).key != part.key);
  CHECK(part_of(kTime + " stdout P:more x", Format::automatic).partial);
  CHECK(part_of("no CRI line", Format::cri).key == 0);
  CHECK(part_of(kTime + " stdout P x", Format::json).key == 0);
  CHECK(cri_message(kTime + " stdout F") == (kTime + " stdout F").size());
}

TEST_CASE("a docker log without a newline at its end goes on") {
  const auto part = [](const std::string& log, const std::string& rest) {
    return part_of("{\"log\":\"" + log + "\"" + rest + "}", Format::docker);
  };
  const std::string out = R"(,"stream":"stdout","time":"t")";
  CHECK(part("abc", out).partial);
  CHECK_FALSE(part("abc\\n", out).partial);
  CHECK(part("abc\\\\n", out).partial);  // a backslash and an n
  CHECK_FALSE(part("abc\\\\\\n", out).partial);
  CHECK(part("\\\\n", out).partial);
  CHECK_FALSE(part("\\n", out).partial);
  CHECK(part("", out).partial);
  CHECK_FALSE(part("a\\\"b\\n", out).partial);
  CHECK(part("x", R"(,"stream":"stderr","time":"t")").key != part("x", out).key);
  CHECK(part("\\\"stream\\\":\\\"stderr\\\"", out).key == part("x", out).key);
  CHECK(part_of("{\"log\":\"never closed", Format::docker).key == 0);
  CHECK(part_of("{\"log\":\"never closed\\", Format::docker).key == 0);
  CHECK(part_of("{\"message\":1}", Format::docker).key == 0);
}

TEST_CASE("journald says that a line was too long for it, by the stream it came from") {
  const auto line = [](const std::string& stream, const std::string& rest) {
    return part_of(R"({"_STREAM_ID":")" + stream + R"(","MESSAGE":"\"_LINE_BREAK\":\"line-max\"")" +
                       rest + "}",
                   Format::journald);
  };
  CHECK(line("a", R"(,"_LINE_BREAK":"line-max")").partial);
  CHECK_FALSE(line("a", "").partial);
  CHECK_FALSE(line("a", R"(,"_LINE_BREAK":"eof")").partial);
  CHECK(line("a", "").key == line("a", R"(,"_LINE_BREAK":"line-max")").key);
  CHECK(line("a", "").key != line("b", "").key);
  CHECK(part_of(R"({"MESSAGE":"x"})", Format::journald).key == 0);
  const Part first =
      part_of(R"({"CONTAINER_PARTIAL_ID":"7","CONTAINER_PARTIAL_MESSAGE":"true","MESSAGE":"x"})",
              Format::journald);
  const Part last =
      part_of(R"({"CONTAINER_PARTIAL_ID":"7","CONTAINER_PARTIAL_LAST":"true","MESSAGE":"x"})",
              Format::journald);
  CHECK(first.partial);
  CHECK_FALSE(last.partial);
  CHECK(first.key == last.key);
}

}  // namespace
}  // namespace tailgate
