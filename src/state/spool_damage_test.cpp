// SPDX-License-Identifier: Apache-2.0
// Flipped bits, torn ends, other versions, writes that fail.
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "base/checksum.h"
#include "state/spool_fixture.h"

namespace tailgate::state {
namespace {

using testing::Fixture;
using testing::kMaxBytes;
using testing::Rows;

void append_ordinals(Fixture& f) {
  f.begin_input();
  for (const char* line : {"first\n", "second\n", "third\n", "fourth\n", "fifth\n"})
    REQUIRE(f.append(line));
}

TEST_CASE("a flipped bit costs its row, whether it hits the bytes or what describes them") {
  for (std::ptrdiff_t at = -64; at < 7; ++at) {
    CAPTURE(at);
    Fixture f;
    append_ordinals(f);
    f.flip("second\n", at);
    f.open();
    CHECK(f.rows() == Rows{"first\n", "<damaged>", "third\n", "fourth\n", "fifth\n"});
    const auto row = f.spool->next(1);
    CHECK((*row)->offset == 6);
    CHECK((*row)->length == 7);
  }
}

TEST_CASE("damage over several rows is one damaged row, as long as they were") {
  Fixture f;
  append_ordinals(f);
  std::string bytes = f.content();
  const std::size_t begin = bytes.find("second\n") - 30;
  bytes.replace(begin, bytes.find("third\n") - begin, bytes.find("third\n") - begin, '\0');
  f.write(bytes);
  f.open();
  CHECK(f.rows() == Rows{"first\n", "<damaged>", "fourth\n", "fifth\n"});
  CHECK((*f.spool->next(1))->length == 13);
}

TEST_CASE("a long row is found behind damage, wherever the window of the search ends") {
  for (const std::size_t size : {65'400, 65'471, 65'472, 65'473, 65'536, 131'000, 200'000}) {
    CAPTURE(size);
    Fixture f;
    f.begin_input();
    REQUIRE(f.append(std::string(size, 'x') + "\n"));
    REQUIRE(f.append("second\n"));
    f.flip("xxx", -10);
    f.open();
    CHECK(f.rows() == Rows{"<damaged>", "second\n"});
  }
}

TEST_CASE("a line that looks like a row is none") {
  Fixture f;
  append_ordinals(f);
  const std::string like = f.content().substr(SpoolSegment::kHeadBytes, 70);
  f.begin_input();  // another generation
  REQUIRE(f.append(like + "\n"));
  REQUIRE(f.append("after\n"));
  std::string bytes = f.content(1);
  bytes[SpoolSegment::kHeadBytes] ^= 1;
  f.write(bytes, 1);
  f.open();
  CHECK(f.rows(5) == Rows{"<damaged>", "after\n"});
}

TEST_CASE(
    "a segment that ends anywhere in its last row keeps the others, and is not gone on with") {
  Fixture whole;
  append_ordinals(whole);
  const std::string bytes = whole.content();
  for (std::size_t cut = 1; cut < 6 + 64; ++cut) {
    CAPTURE(cut);
    Fixture f;
    append_ordinals(f);
    whole.spool.reset();
    f.spool.reset();
    std::filesystem::resize_file(f.files().front(), bytes.size() - cut);
    const auto opened = f.open();
    const Rows rows = f.rows();
    REQUIRE(rows.size() >= 4);
    CHECK(rows[3] == "fourth\n");
    CHECK(rows.size() == (cut < 6 ? 5 : 4));  // of a head alone nothing can be told
    REQUIRE(opened.inputs.size() == 1);
    CHECK(opened.inputs[0].ended);
    f.begin_input();
    REQUIRE(f.append("more\n"));
    f.open();
    CHECK(f.rows().back() == "more\n");
  }
}

TEST_CASE("an input goes on after a restart, in the middle of a line too, until its end is noted") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\nsec"));
  auto opened = f.open();
  REQUIRE(opened.inputs.size() == 1);
  CHECK(opened.inputs[0].line_open);
  CHECK_FALSE(opened.inputs[0].ended);
  REQUIRE(f.append("ond\n"));
  CHECK_FALSE(opened.inputs[0].complete);
  f.spool->note(SpoolSegment::Note::ended);
  opened = f.open();
  REQUIRE(opened.inputs.size() == 1);
  CHECK(opened.inputs[0].ended);
  CHECK(opened.inputs[0].end == 13);
  CHECK(f.rows() == Rows{"first\nsec", "ond\n"});
}

/// No file may grow beyond `bytes`, as on a full disk; the rest of a write does not come.
struct FileLimit {
  explicit FileLimit(std::uint64_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit limit = before;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() { setrlimit(RLIMIT_FSIZE, &before); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  rlimit before{};
};

TEST_CASE("that all is held which was read is known until more is") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\nsec"));
  f.spool->note(SpoolSegment::Note::complete);
  CHECK(f.open().inputs.at(0).complete);
  CHECK(f.open().inputs.at(0).line_open);
  REQUIRE(f.append("ond\nthi"));
  const auto opened = f.open();
  CHECK_FALSE(opened.inputs.at(0).complete);
  CHECK_FALSE(opened.inputs.at(0).ended);
  CHECK(f.rows() == Rows{"first\nsec", "ond\nthi"});
}

TEST_CASE("what could not be written has an id of its own, though a part of it stayed") {
  Fixture f;
  f.begin_input();
  {
    const FileLimit limit(5000);
    CHECK_FALSE(f.append(std::string(2000, 'x') + "\n"));
    CHECK(f.spool->lacks_space());
  }
  REQUIRE(f.append("first\n"));
  CHECK((*f.spool->next(0))->id == 2);
}

TEST_CASE("a spool of a newer version is refused and left alone") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  f.spool.reset();
  const std::string bytes = f.content();
  std::string newer = bytes;
  for (const std::size_t slot : {std::size_t{0}, std::size_t{2048}}) {
    newer[slot + 15] = '9';
    const std::uint64_t sum = checksum(std::string_view(newer).substr(slot, 2040));
    std::memcpy(newer.data() + slot + 2040, &sum, sizeof sum);
  }
  f.write(newer);
  auto opened = Spool::open(f.dir.path, kMaxBytes, f.clock);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().what.find("newer version (format 9") != std::string::npos);
  f.write(bytes);
  f.open();
  CHECK(f.rows() == Rows{"first\n"});
}

TEST_CASE("half of a head is enough; without any the segment is moved aside, and the others stay") {
  Fixture f;
  append_ordinals(f);
  f.begin_input();
  REQUIRE(f.append("sixth\n"));
  f.spool.reset();
  std::string bytes = f.content();
  bytes[100] ^= 1;
  f.write(bytes);
  CHECK(f.open().set_aside.empty());
  CHECK(f.rows().size() == 6);
  bytes[3000] ^= 1;
  f.write(bytes);
  const auto opened = f.open();
  REQUIRE(opened.set_aside.size() == 1);
  CHECK(opened.set_aside[0].path.find("/spool.damaged-20") != std::string::npos);
  CHECK(opened.set_aside[0].bytes == bytes.size());
  CHECK(std::filesystem::file_size(opened.set_aside[0].path) == bytes.size());
  CHECK(f.rows() == Rows{"sixth\n"});
  REQUIRE(f.append("seventh\n"));
  CHECK(f.rows() == Rows{"sixth\n", "seventh\n"});
}

TEST_CASE("of a row that could not be written to its end nothing is left, and it may come again") {
  Fixture f;
  f.begin_input();
  REQUIRE(f.append("first\n"));
  {
    const FileLimit limit(5000);
    CHECK_FALSE(f.append(std::string(2000, 'x') + "\n"));
    CHECK(f.content().size() < 4200);
  }
  REQUIRE(f.append(std::string(2000, 'x') + "\n"));
  f.open();
  CHECK(f.rows() == Rows{"first\n", std::string(2000, 'x') + "\n"});
}

}  // namespace
}  // namespace tailgate::state
