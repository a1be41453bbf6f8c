// SPDX-License-Identifier: Apache-2.0
#include "state/spool.h"

#include <sys/stat.h>

#include "state/spool_fixture.h"

namespace tailgate::state {
namespace {

using testing::Fixture;
using testing::kMaxBytes;
using testing::Rows;
using testing::TempDir;

TEST_CASE("rows come back in their order over several inputs, after the process ended") {
  Fixture f;
  f.begin_input();
  const SpoolInput first = f.input;
  REQUIRE(f.append("one\n"));
  REQUIRE(f.append(std::string(700'000, 'x') + "\n"));
  f.begin_input();
  REQUIRE(f.append("thr"));
  const auto opened = f.open();
  CHECK(f.rows() == Rows{"one\n", std::string(700'000, 'x') + "\n", "thr"});
  REQUIRE(opened.inputs.size() == 2);
  CHECK(opened.inputs[0].gen == first.gen);
  CHECK(opened.inputs[0].end == 700'005);
  CHECK(opened.inputs[1].end == 3);
  CHECK(opened.inputs[1].line_open);
  const auto row = f.spool->next(0);
  CHECK((*row)->read_at == WallTime{Millis{1'700'000'000'123}});
  CHECK((*row)->gen == first.gen);
}

TEST_CASE("only this user may read what waits") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  struct stat found {};
  REQUIRE(stat((f.dir.path + "/spool").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  REQUIRE(stat(f.files().front().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

constexpr std::size_t kLong = 700'000;  // of which a segment of this spool holds one

/// `letter`s, and a newline if `whole`.
std::string text(char letter, bool whole = true) {
  return std::string(kLong, letter) + (whole ? "\n" : "");
}

/// The first byte of each row.
std::string letters(const Fixture& f) {
  std::string found;
  for (const std::string& row : f.rows()) found += row[0];
  return found;
}

TEST_CASE("what is settled goes by segments, the whole of an input at once") {
  Fixture f;
  f.begin_input();
  for (const char letter : {'a', 'b', 'c'}) REQUIRE(f.append(text(letter)));
  REQUIRE(f.spool->release(f.input.id, kLong, false));  // not its newline
  CHECK(letters(f) == "abc");
  REQUIRE(f.spool->release(f.input.id, 2 * kLong + 2, false));
  CHECK(letters(f) == "c");
  CHECK(f.files().size() == 1);
  CHECK(f.open().inputs.at(0).begin == 2 * kLong + 2);
  REQUIRE(f.spool->release(f.input.id, f.input.end, true));
  CHECK(f.rows().empty());
  CHECK(f.files().empty());
  CHECK(f.open().inputs.empty());
}

TEST_CASE("a small segment that is written to stays, a large one goes") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  REQUIRE(f.spool->release(f.input.id, f.input.end, false));
  CHECK(f.files().size() == 1);
  f.open(Bytes{1} << 30);
  for (const char letter : {'a', 'b', 'c'}) REQUIRE(f.append(text(letter)));
  CHECK(f.files().size() == 2);
  REQUIRE(f.spool->release(f.input.id, f.input.end, false));
  CHECK(f.files().empty());
  REQUIRE(f.append("more\n"));
  CHECK(f.rows(4) == Rows{"more\n"});
}

TEST_CASE(
    "at its limit nothing is appended until something is released, and the files stay within") {
  Fixture f;
  f.begin_input();
  int rows = 0;
  while (f.append(text('x'))) ++rows;
  CHECK(rows >= 22);
  CHECK(f.append(text('x')).error().what.find("spool.max_bytes (16.0 MiB)") != std::string::npos);
  std::uintmax_t size = 0;
  for (const std::string& path : f.files()) size += std::filesystem::file_size(path);
  CHECK(size <= kMaxBytes);
  REQUIRE(f.spool->release(f.input.id, 2 * (kLong + 1), false));
  CHECK(f.append(text('x')));
}

TEST_CASE("the last row of a process finds room beyond the limit") {
  Fixture f;
  f.begin_input();
  while (f.append(text('x'))) {
  }
  SpoolRow row;
  row.id = f.spool->last_row() + 1;
  row.input = f.input.id;
  row.gen = f.input.gen;
  row.offset = f.input.end;
  row.bytes = "last\n";
  CHECK(f.spool->append(f.input, row, true));
  f.open();
  CHECK(f.rows().back() == "last\n");
}

TEST_CASE("few descriptors are enough for many segments") {
  Fixture f;
  f.begin_input();
  for (int i = 0; i < 20; ++i) REQUIRE(f.append(text('x')));
  f.open();
  CHECK(f.rows().size() == 20);
  std::size_t open = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    open += std::filesystem::read_symlink(entry.path(), gone).extension() == ".rows" ? 1 : 0;
  }
  CHECK(open <= 2);
}

TEST_CASE("dropping the oldest takes whole lines, and none that is handed on in part") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append(text('a', false), 0));  // handed on: its line goes on in the next row
  f.input.line_open = true;
  REQUIRE(f.append(text('b')));
  f.input.line_open = false;
  REQUIRE(f.append(text('c'), 2));
  REQUIRE(f.append(text('d', false), 0));
  f.input.line_open = true;
  REQUIRE(f.append(text('e'), 2));
  f.input.line_open = false;
  REQUIRE(f.append(text('f', false), 0));  // not at its end yet
  auto dropped = f.spool->drop_oldest(1, 1);
  REQUIRE(dropped);
  CHECK(dropped->lines == 2);
  CHECK(dropped->bytes == kLong + 1);
  CHECK(letters(f) == "abdef");
  dropped = f.spool->drop_oldest(1, 10 * kLong);
  REQUIRE(dropped);
  CHECK(dropped->lines == 2);
  CHECK(letters(f) == "abf");
  CHECK(f.spool->drop_oldest(1, 1)->bytes == 0);
  f.input.line_open = true;
  REQUIRE(f.append(text('g')));
  CHECK(letters(f) == "abfg");
}

TEST_CASE("the last line of an input that is over is dropped though it has no newline") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append(text('a')));
  REQUIRE(f.append(text('b', false), 0));
  f.begin_input();
  REQUIRE(f.append(text('c')));
  const auto dropped = f.spool->drop_oldest(1, 1);
  REQUIRE(dropped);
  CHECK(dropped->lines == 1);
  CHECK(letters(f) == "ac");
}

TEST_CASE("ballast takes its space and gives it back") {
  const TempDir dir;
  Ballast ballast(dir.path, 1 << 20);
  ballast.take();
  REQUIRE(ballast.held());
  const std::string path = dir.path + "/spool.ballast";
  struct stat about {};
  REQUIRE(stat(path.c_str(), &about) == 0);
  CHECK(about.st_blocks * 512 >= 1 << 20);
  CHECK(Ballast(dir.path, 1 << 20).held());  // of an earlier run
  ballast.drop();
  CHECK_FALSE(ballast.held());
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("ballast that the disk has no room for is not taken") {
  const TempDir dir;
  Ballast ballast(dir.path, disk_room(dir.path) + (Bytes{1} << 30));
  ballast.take();
  CHECK_FALSE(ballast.held());
}

}  // namespace
}  // namespace tailgate::state
