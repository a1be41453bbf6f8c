// SPDX-License-Identifier: Apache-2.0
#include "sources/line_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace tailgate::sources {
namespace {

struct Seen {
  std::string text;
  std::uint64_t begin;
  bool operator==(const Seen&) const = default;
};

/// Reads `data` in pieces of `piece` bytes as a file is read: always from position.scan on.
std::vector<Seen> lines_of(const std::string& data, std::size_t piece, std::size_t limit,
                           bool at_end) {
  CutPosition position;
  Cut cut;
  std::vector<Seen> seen;
  std::size_t window = piece;
  for (;;) {
    const std::string_view text =
        std::string_view(data).substr(static_cast<std::size_t>(position.scan), window);
    const bool last = position.scan + text.size() == data.size();
    const std::uint64_t before = position.scan;
    cut_lines(text, limit, at_end && last, position, cut);
    REQUIRE(cut.offsets.size() == cut.lines.size() + 1);
    for (std::size_t i = 0; i < cut.lines.size(); ++i) {
      const bool too_long = cut.lines[i].problem == Line::Problem::too_long;
      seen.push_back({too_long ? "<too long>" : std::string(cut.lines[i].text), cut.offsets[i]});
    }
    if (last) return seen;
    window = position.scan == before ? window + piece : piece;
  }
}

TEST_CASE("lines end with LF or CR LF, and a last one without a newline waits") {
  CHECK(lines_of("a\r\nbb\nccc", 100, 10, false) == std::vector<Seen>{{"a", 0}, {"bb", 3}});
  CHECK(lines_of("a\r\nbb\nccc", 100, 10, true) ==
        std::vector<Seen>{{"a", 0}, {"bb", 3}, {"ccc", 6}});
}

TEST_CASE("empty lines, NUL bytes and a BOM belong to the line after them") {
  CHECK(lines_of("\xEF\xBB\xBF{}\n\n \r\n{1}\n\n", 100, 10, true) ==
        std::vector<Seen>{{"{}", 0}, {"{1}", 6}});
  CHECK(lines_of(std::string(50, '\0') + "{}\n", 7, 10, false) == std::vector<Seen>{{"{}", 0}});
}

TEST_CASE("a line over the limit is told without its text, and reading goes on") {
  const std::string data = "ok\n" + std::string(1000, 'x') + "\nnext\n";
  CHECK(lines_of(data, 16, 10, false) ==
        std::vector<Seen>{{"ok", 0}, {"<too long>", 3}, {"next", 1004}});
  CHECK(lines_of(std::string(1000, 'x'), 16, 10, true) == std::vector<Seen>{{"<too long>", 0}});
  CHECK(lines_of(std::string(1000, 'x'), 16, 10, false).empty());
}

TEST_CASE("a line of exactly the limit is taken, with a CR too") {
  CHECK(lines_of("0123456789\r\n0123456789X\n", 5, 10, false) ==
        std::vector<Seen>{{"0123456789", 0}, {"<too long>", 12}});
}

TEST_CASE("however the reads fall, lines have the same offsets") {
  std::string data = "\xEF\xBB\xBF";
  for (int i = 0; i < 40; ++i) {
    data += std::string(static_cast<std::size_t>(i * 7 % 31), 'a') + (i % 3 == 0 ? "\r\n" : "\n");
    if (i % 5 == 0) data += std::string(3, '\0');
    if (i % 11 == 0) data += "\n\n";
  }
  const std::vector<Seen> whole = lines_of(data, data.size(), 20, true);
  for (std::size_t piece = 1; piece < 60; ++piece) CHECK(lines_of(data, piece, 20, true) == whole);
}

}  // namespace
}  // namespace tailgate::sources
