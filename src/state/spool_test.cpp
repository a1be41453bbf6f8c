// SPDX-License-Identifier: Apache-2.0
#include "state/spool.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tailgate::state {
namespace {

struct TempDir {
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "tailgate-spool-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string path;
};

constexpr Bytes kMaxBytes = Bytes{16} << 20;

/// A spool with one input at a time, closed and opened again at will.
struct Fixture {
  Fixture() { open(); }

  Spool::Opened open(Bytes max_bytes = kMaxBytes) {
    spool.reset();
    auto opened = Spool::open(dir.path, max_bytes, clock);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().what));
    spool = std::move(opened->spool);
    return std::move(*opened);
  }
  void begin_input() {
    input = {};
    input.id = ++inputs;
    input.gen = Uuid::random();
    input.source = "input";
    input.identity = "a pipe";
  }
  Result<void> append(const std::string& bytes, std::uint64_t lines = 1) {
    SpoolRow row;
    row.id = spool->last_row() + 1;
    row.input = input.id;
    row.gen = input.gen;
    row.offset = input.end;
    row.lines = lines;
    row.read_at = WallTime{Millis{1'700'000'000'123}};
    row.bytes = bytes;
    auto done = spool->append(input, row);
    if (done) input.end += bytes.size();
    return done;
  }
  /// The bytes of all rows after `id`; damaged ones are <damaged>.
  std::vector<std::string> rows(std::int64_t id = 0) const {
    std::vector<std::string> all;
    for (;;) {
      auto row = spool->next(id);
      REQUIRE_MESSAGE(row.has_value(), (row ? "" : row.error().what));
      if (!*row) return all;
      all.push_back((*row)->damaged ? "<damaged>" : (*row)->bytes);
      id = (*row)->id;
    }
  }
  /// Runs SQL on the closed file, as damage would.
  void change(const std::string& sql) {
    spool.reset();
    auto database = Database::open({.path = dir.path + "/spool.db", .page_bytes = 65536});
    REQUIRE(database);
    const auto done = database->run(sql);
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().what));
  }

  TempDir dir;
  SystemClock clock;
  std::unique_ptr<Spool> spool;
  SpoolInput input;
  std::int64_t inputs = 0;
};

using Rows = std::vector<std::string>;

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
  CHECK(opened.moved.empty());
  const auto row = f.spool->next(0);
  CHECK((*row)->read_at == WallTime{Millis{1'700'000'000'123}});
  CHECK((*row)->gen == first.gen);
}

TEST_CASE("only this user may read what waits") {
  const Fixture f;
  struct stat found {};
  for (const char* name : {"/spool.db", "/spool.db-wal"}) {
    REQUIRE(stat((f.dir.path + name).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a flipped bit and a torn row are found by the checksum, and the others come") {
  Fixture f;
  f.begin_input();
  for (const char* line : {"first\n", "second\n", "third\n", "fourth\n", "fifth\n"})
    REQUIRE(f.append(line));
  f.change(
      "UPDATE row SET bytes = CAST('sekond' || char(10) AS BLOB) WHERE id = 2;"
      "UPDATE row SET offset = offset + 1 WHERE id = 3;"
      "UPDATE row SET bytes = substr(bytes, 1, 3) WHERE id = 4;");
  f.open();
  CHECK(f.rows() == Rows{"first\n", "<damaged>", "<damaged>", "<damaged>", "fifth\n"});
}

TEST_CASE("a row whose pages lead nowhere is one damaged row") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  REQUIRE(f.append(std::string(500'000, 'y') + "\n"));
  REQUIRE(f.append("third\n"));
  f.spool.reset();
  // The second page of the long row: each begins with the number of the next.
  const std::string path = f.dir.path + "/spool.db";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string page(Spool::kPageBytes, '\0');
  for (std::streamoff at = 0; file.seekg(at) && file.read(page.data(), Spool::kPageBytes);
       at += Spool::kPageBytes) {
    if (page.find("yyyyyyyy", 4) != 4) continue;
    file.seekp(at).write("\x7f\x00\x00\x01", 4);
    break;
  }
  file.close();
  f.open();
  CHECK(f.rows() == Rows{"first\n", "<damaged>", "third\n"});
}

/// What a killed process leaves: SQLite takes the log in when a file is closed, so both are copied before.
struct Killed {
  explicit Killed(Fixture& f) : f_(f) {
    for (const char* name : {"/spool.db", "/spool.db-wal"})
      std::filesystem::copy(f.dir.path + name, f.dir.path + name + std::string(".copy"));
    f.spool.reset();
    for (const char* name : {"/spool.db", "/spool.db-wal"})
      std::filesystem::rename(f.dir.path + name + std::string(".copy"), f.dir.path + name);
  }
  /// Flips a bit of the first `what` in the log, or at a place.
  void flip(const std::string& what) const {
    std::ifstream in(f_.dir.path + "/spool.db-wal", std::ios::binary);
    const std::string log((std::istreambuf_iterator<char>(in)), {});
    REQUIRE(log.find(what) != std::string::npos);
    flip(static_cast<std::streamoff>(log.find(what)));
  }
  void flip(std::streamoff at) const {
    std::fstream file(f_.dir.path + "/spool.db-wal",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ 4);
    file.seekp(at);
    file.put(byte);
  }

 private:
  Fixture& f_;
};

void append_lettered(Fixture& f) {
  f.open(Bytes{64} << 20);  // its log is taken in later
  f.begin_input();
  for (const char letter : {'a', 'b', 'c', 'd'})
    REQUIRE(f.append(std::string(200'000, letter) + "\n"));
}

TEST_CASE("a killed process's log is believed to its end") {
  Fixture f;
  append_lettered(f);
  const Killed killed(f);
  const auto opened = f.open();
  CHECK_FALSE(opened.log.mended);
  CHECK(opened.log.lost_bytes == 0);
  CHECK(f.rows().size() == 4);
}

TEST_CASE("a flipped bit in the log costs one row, not all that was committed after it") {
  Fixture f;
  append_lettered(f);
  const Killed killed(f);
  killed.flip(std::string(10'000, 'b'));
  CHECK(f.open().log.mended);
  const Rows rows = f.rows();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0][0] == 'a');
  CHECK(rows[1].substr(0, 9) == "<damaged>");
  CHECK(rows[2][0] == 'c');
  CHECK(rows[3][0] == 'd');
}

TEST_CASE("a flipped bit in the log's head or in the head of a frame costs nothing") {
  for (const std::streamoff at : {9, 17, 25, 32 + 9, 32 + 17}) {
    CAPTURE(at);
    Fixture f;
    append_lettered(f);
    const Killed killed(f);
    killed.flip(at);
    CHECK(f.open().log.mended);
    CHECK(f.rows() == Rows{std::string(200'000, 'a') + "\n", std::string(200'000, 'b') + "\n",
                           std::string(200'000, 'c') + "\n", std::string(200'000, 'd') + "\n"});
  }
}

TEST_CASE("a log whose last batch is torn loses that batch alone, and says so") {
  Fixture f;
  append_lettered(f);
  const Killed killed(f);
  killed.flip(std::string(10'000, 'd'));
  const auto opened = f.open();
  CHECK_FALSE(opened.log.mended);
  CHECK(opened.log.lost_bytes > 0);
  CHECK(f.rows().size() == 3);
}

TEST_CASE("an input whose last row is damaged is not gone on with") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  REQUIRE(f.append("second\n"));
  f.change("UPDATE row SET crc = 1 WHERE id = 2");
  const auto opened = f.open();
  REQUIRE(opened.inputs.size() == 1);
  CHECK(opened.inputs[0].ended);
}

TEST_CASE("a spool of a newer version is refused and left alone") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  f.change("PRAGMA user_version=99");
  auto opened = Spool::open(f.dir.path, kMaxBytes, f.clock);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().what.find("newer version (schema 99") != std::string::npos);
  f.change("PRAGMA user_version=1");
  f.open();
  CHECK(f.rows() == Rows{"first\n"});
}

TEST_CASE("a file that is no database is moved aside, and an empty spool takes its place") {
  Fixture f;
  f.spool.reset();
  std::filesystem::remove(f.dir.path + "/spool.db-wal");
  std::ofstream(f.dir.path + "/spool.db", std::ios::binary) << std::string(200'000, 'x');
  const auto opened = f.open();
  CHECK(opened.moved.find("/spool.db.corrupt-20") != std::string::npos);
  CHECK(opened.moved_bytes == 200'000);
  CHECK(std::filesystem::file_size(opened.moved) == 200'000);
  f.begin_input();
  CHECK(f.append("first\n"));
  CHECK(f.rows() == Rows{"first\n"});
}

TEST_CASE("only rows that are settled to their end are released") {
  Fixture f;
  f.begin_input();
  for (const char* line : {"first\n", "second\n", "third\n"}) REQUIRE(f.append(line));
  REQUIRE(f.spool->release(f.input.id, 10, false));
  CHECK(f.rows() == Rows{"second\n", "third\n"});
  REQUIRE(f.spool->release(f.input.id, 19, true));
  CHECK(f.rows().empty());
  CHECK(f.open().inputs.empty());
}

TEST_CASE(
    "at its limit nothing is appended until something is released, and the file stays within it") {
  Fixture f;
  f.begin_input();
  const std::string row = std::string(1'000'000, 'x') + "\n";
  int rows = 0;
  while (f.append(row)) ++rows;
  CHECK(f.spool->trouble() == Trouble::full);
  CHECK(rows >= 12);
  CHECK(f.append(row).error().what.find("spool.max_bytes (16.0 MiB)") != std::string::npos);
  REQUIRE(f.spool->release(f.input.id, 2 * row.size(), false));
  CHECK(f.append(row));
  std::uintmax_t size = 0;
  for (const char* name : {"/spool.db", "/spool.db-wal"})
    size += std::filesystem::file_size(f.dir.path + name);
  CHECK(size <= kMaxBytes + (Bytes{2} << 20));
}

TEST_CASE("the last row of a process finds room beyond the limit") {
  Fixture f;
  f.begin_input();
  const std::string bytes = std::string(1'000'000, 'x') + "\n";
  while (f.append(bytes)) {
  }
  SpoolRow row;
  row.id = f.spool->last_row() + 1;
  row.input = f.input.id;
  row.gen = f.input.gen;
  row.offset = f.input.end;
  row.bytes = bytes;
  CHECK(f.spool->append(f.input, row, true));
  f.open();
  CHECK(f.rows().back() == bytes);
}

TEST_CASE("an empty spool gives its space back to the disk") {
  Fixture f;
  f.open(Bytes{64} << 20);
  f.begin_input();
  for (int i = 0; i < 30; ++i) REQUIRE(f.append(std::string(1'000'000, 'x') + "\n"));
  REQUIRE(f.spool->release(f.input.id, f.input.end, false));
  f.spool->shrink();
  CHECK(std::filesystem::file_size(f.dir.path + "/spool.db") < 1'000'000);
  CHECK(f.append("more\n"));
  CHECK(f.rows() == Rows{"more\n"});
}

TEST_CASE("dropping the oldest takes whole lines, and none that is handed on in part") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("a\nb", 1));  // handed on: its last line goes on in the next row
  REQUIRE(f.append("b\n", 1));
  REQUIRE(f.append("c\nd\n", 2));
  REQUIRE(f.append("ee", 0));
  REQUIRE(f.append("ee\nf\n", 2));
  REQUIRE(f.append("gg", 0));  // not at its end yet
  auto dropped = f.spool->drop_oldest(1, 1);
  REQUIRE(dropped);
  CHECK(dropped->lines == 2);
  CHECK(dropped->bytes == 4);
  CHECK(f.rows() == Rows{"a\nb", "b\n", "ee", "ee\nf\n", "gg"});
  dropped = f.spool->drop_oldest(1, 1000);
  REQUIRE(dropped);
  CHECK(dropped->lines == 2);
  CHECK(f.rows() == Rows{"a\nb", "b\n", "gg"});
  CHECK(f.spool->drop_oldest(1, 1000)->bytes == 0);
}

TEST_CASE("the last line of an input that is over is dropped though it has no newline") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("a\n"));
  REQUIRE(f.append("b", 0));
  f.begin_input();
  REQUIRE(f.append("c\n"));
  const auto dropped = f.spool->drop_oldest(1, 1);
  REQUIRE(dropped);
  CHECK(dropped->lines == 1);
  CHECK(f.rows() == Rows{"a\n", "c\n"});
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
  Ballast ballast(dir.path, disk_size(dir.path));
  ballast.take();
  CHECK_FALSE(ballast.held());
}

}  // namespace
}  // namespace tailgate::state
