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

std::string text_of(const Line& line) {
  if (line.problem == Line::Problem::too_long) return "<too long>";
  return (line.problem == Line::Problem::torn ? "<torn>" : "") + std::string(line.text);
}

/// Reads `data` in pieces of `piece` bytes as a file is read: always from position.scan on.
std::vector<Seen> lines_of(const std::string& data, std::size_t piece, std::size_t limit,
                           bool at_end, Format format = Format::json) {
  CutPosition position;
  Cut cut;
  std::vector<Seen> seen;
  std::size_t window = piece;
  for (;;) {
    const std::string_view text =
        std::string_view(data).substr(static_cast<std::size_t>(position.scan), window);
    const bool last = position.scan + text.size() == data.size();
    const std::uint64_t before = position.scan;
    cut_lines(text, {.max_line_bytes = limit, .format = format, .at_end = at_end && last}, position,
              cut);
    REQUIRE(cut.offsets.size() == cut.lines.size() + 1);
    for (std::size_t i = 0; i < cut.lines.size(); ++i) {
      seen.push_back({text_of(cut.lines[i]), cut.offsets[i]});
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

TEST_CASE(
    "a few NUL bytes before a line are at hand, however the reads fall; those of a hole are not") {
  CutPosition position;
  Cut cut;
  const std::string data = std::string(255, '\0') + "[x\n" + std::string(256, '\0') + "{}\n";
  const std::string_view text = data;
  const CutRules rules{.max_line_bytes = 10};
  cut_lines(text.substr(0, 7), rules, position, cut);
  CHECK(cut.lines.empty());
  cut_lines(text.substr(static_cast<std::size_t>(position.scan)), rules, position, cut);
  REQUIRE(cut.lines.size() == 2);
  const Line& first = cut.lines[0];
  CHECK(std::string_view(first.text.data() - first.nuls, first.text.size() + first.nuls) ==
        text.substr(0, 257));
  CHECK(cut.lines[1].nuls == 0);
}

TEST_CASE("the NUL bytes of a hole are not the line's, though its last ones came alone") {
  CutPosition position;
  Cut cut;
  const std::string data = std::string(300, '\0') + "[x\n";
  const std::string_view text = data;
  const CutRules rules{.max_line_bytes = 10};
  cut_lines(text.substr(0, 280), rules, position, cut);
  cut_lines(text.substr(static_cast<std::size_t>(position.scan)), rules, position, cut);
  REQUIRE(cut.lines.size() == 1);
  CHECK(cut.lines[0].text == "[x");
  CHECK(cut.lines[0].nuls == 0);
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

/// A CRI line, 40 bytes and its text.
std::string cri(const std::string& output, char tag, const std::string& text) {
  return "2026-11-23T00:47:27.919Z " + output + " " + tag + " " + text + "\n";
}

/// The texts behind the tags.
std::vector<std::string> cri_texts(const std::string& data, std::size_t piece, std::size_t limit,
                                   bool at_end) {
  std::vector<std::string> texts;
  for (const Seen& seen : lines_of(data, piece, limit, at_end, Format::cri)) {
    const std::size_t tag = seen.text.find("std");
    texts.push_back(tag == std::string::npos ? seen.text : seen.text.substr(tag + 3));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("the parts of a line come together, and lines behind them wait") {
  const std::string begin = cri("stdout", 'F', "a") + cri("stdout", 'P', "b");
  CHECK(cri_texts(begin + cri("stderr", 'F', "c"), 200, 500, false) == Texts{"out F a"});
  CHECK(cri_texts(begin + cri("stderr", 'F', "c"), 200, 500, true) ==
        Texts{"out F a", "out P b", "err F c"});
  const std::string whole = begin + cri("stderr", 'F', "c") + cri("stdout", 'F', "d");
  for (std::size_t piece = 1; piece < 300; piece += 7)
    CHECK(cri_texts(whole, piece, 500, false) == Texts{"out F a", "out P b", "err F c", "out F d"});
}

TEST_CASE("a cut says whether it holds parts, and whether it holds lines back") {
  CutPosition position;
  Cut cut;
  const std::string text = cri("stdout", 'F', "a") + cri("stderr", 'P', "b") +
                           cri("stderr", 'F', "c") + cri("stdout", 'P', "d") +
                           cri("stderr", 'F', "e");
  cut_lines(text, {.max_line_bytes = 500, .format = Format::cri}, position, cut);
  CHECK(cut.lines.size() == 3);
  CHECK(cut.parts);
  CHECK(cut.held);
  CHECK(position.scan == cut.offsets.back());
  const std::string rest = text.substr(static_cast<std::size_t>(position.scan));
  cut_lines(rest, {.max_line_bytes = 500, .format = Format::cri, .hold = false}, position, cut);
  REQUIRE(cut.lines.size() == 2);
  CHECK(cut.lines[0].problem == Line::Problem::torn);
  CHECK(cut.lines[1].problem == Line::Problem::none);
  CHECK_FALSE(cut.held);
  const std::string late = cri("stdout", 'F', "f") + cri("stdout", 'F', "g");
  cut_lines(late, {.max_line_bytes = 500, .format = Format::cri}, position, cut);
  REQUIRE(cut.lines.size() == 2);
  CHECK(cut.lines[0].problem == Line::Problem::torn);
  CHECK(cut.lines[1].problem == Line::Problem::none);
}

TEST_CASE("parts that are too long together are one line too long") {
  std::string data = cri("stdout", 'F', "a");
  for (int i = 0; i < 50; ++i) data += cri("stdout", 'P', std::string(60, 'x'));
  data += cri("stdout", 'F', "x") + cri("stdout", 'F', "b");
  for (std::size_t piece = 10; piece < 5000; piece += 97) {
    const std::vector<Seen> seen = lines_of(data, piece, 300, false, Format::cri);
    REQUIRE(seen.size() == 3);
    CHECK(seen[1] == Seen{"<too long>", cri("stdout", 'F', "a").size()});
    CHECK(seen[2].begin == data.size() - cri("stdout", 'F', "b").size());
  }
  const std::size_t cut = data.find("\n", 1000) + 1;
  CHECK(cri_texts(data.substr(0, cut), 100, 300, true) == Texts{"out F a", "<too long>"});
}

TEST_CASE(
    "what another output writes inside of a line too long is told, and its parts stay bad ones") {
  std::string data;
  for (int i = 0; i < 12; ++i) data += cri("stdout", 'P', std::string(60, 'x'));
  data += cri("stderr", 'F', "other");
  for (int i = 0; i < 3; ++i) data += cri("stdout", 'P', std::string(60, 'x'));
  data += cri("stdout", 'F', "{}") + cri("stdout", 'F', "next");
  for (std::size_t piece = 10; piece < 2000; piece += 97)
    CHECK(cri_texts(data, piece, 300, false) == Texts{"<too long>", "err F other", "<too long>",
                                                      "<too long>", "<too long>", "<too long>",
                                                      "out F next"});
}

TEST_CASE("one output that stops in the middle of a line does not hold up the other for ever") {
  std::string data = cri("stdout", 'P', "{\"a\"");
  while (data.size() < 100'000) data += cri("stderr", 'F', std::string(500, 'x'));
  const Texts texts = cri_texts(data, 4096, 1000, false);
  REQUIRE(texts.size() > 100);
  CHECK(texts[0] == "out P {\"a\"");
  const std::vector<Seen> seen = lines_of(data, 4096, 1000, false, Format::cri);
  CHECK(seen[0].text.starts_with("<torn>"));
  CHECK_FALSE(seen[1].text.starts_with("<torn>"));
}

}  // namespace
}  // namespace tailgate::sources
