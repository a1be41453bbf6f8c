// SPDX-License-Identifier: Apache-2.0
#include "sources/line_buffer.h"

#include <doctest/doctest.h>

#include <string>

namespace tailgate::sources {
namespace {

constexpr Tick kStart = Tick{} + std::chrono::hours(1);

std::vector<std::string> texts(LineBuffer& buffer) {
  std::vector<std::string> texts;
  for (const Line& line : buffer.lines().lines)
    texts.push_back((line.problem == Line::Problem::torn ? "<torn>" : "") + std::string(line.text));
  return texts;
}

void feed(LineBuffer& buffer, std::string_view bytes) {
  RawBytes& text = buffer.open();
  text.insert(text.end(), bytes.begin(), bytes.end());
}

TEST_CASE("a line that comes in pieces is cut once it is whole") {
  LineBuffer buffer(1000, Format::json);
  buffer.begin(100);
  feed(buffer, "one\ntw");
  REQUIRE(buffer.cut(false, kStart));
  CHECK(texts(buffer) == std::vector<std::string>{"one"});
  CHECK(buffer.waits());
  CHECK(buffer.end() == 106);
  feed(buffer, "o\nthree");
  REQUIRE(buffer.cut(false, kStart));
  CHECK(texts(buffer) == std::vector<std::string>{"two"});
  CHECK(buffer.lines().offsets == std::vector<std::uint64_t>{104, 108});
  feed(buffer, "");
  REQUIRE(buffer.cut(true, kStart));
  CHECK(texts(buffer) == std::vector<std::string>{"three"});
  CHECK_FALSE(buffer.waits());
}

TEST_CASE("a line's end is found in whatever piece it comes") {
  const std::string bytes = std::string(7, '\0') + "{\"a\":1}\n\n{\"b\":22}\r\n  \nlast\n";
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      LineBuffer buffer(1000, Format::automatic);
      buffer.begin(0);
      std::vector<std::string> all;
      for (const auto& [from, to] :
           {std::pair(std::size_t{0}, first), {first, second}, {second, bytes.size()}}) {
        feed(buffer, std::string_view(bytes).substr(from, to - from));
        if (!buffer.cut(false, kStart)) continue;
        for (const std::string& text : texts(buffer)) all.push_back(text);
      }
      CHECK(all == std::vector<std::string>{"{\"a\":1}", "{\"b\":22}", "last"});
      CHECK(buffer.end() == bytes.size());
      CHECK_FALSE(buffer.waits());
    }
  }
}

TEST_CASE("lines behind a part come half a minute later without more bytes") {
  LineBuffer buffer(1000, Format::cri);
  const std::string part = "2026-11-23T00:47:27.919Z stdout P {";
  const std::string other = "2026-11-23T00:47:27.919Z stderr F {}";
  feed(buffer, part + "\n" + other + "\n");
  CHECK_FALSE(buffer.cut(false, kStart));
  CHECK(buffer.due() == kStart + kRestOfParts);
  CHECK_FALSE(buffer.overdue(kStart + kRestOfParts - Millis(1)));
  REQUIRE(buffer.overdue(kStart + kRestOfParts));
  (void)buffer.open();
  REQUIRE(buffer.cut(false, kStart + kRestOfParts));
  CHECK(texts(buffer) == std::vector<std::string>{"<torn>" + part, other});
  CHECK_FALSE(buffer.overdue(kStart + std::chrono::hours(1)));
}

}  // namespace
}  // namespace tailgate::sources
