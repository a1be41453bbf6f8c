// SPDX-License-Identifier: Apache-2.0
// What a killed process, damage and lines without end leave in the spool.
#include "sources/spooled_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Got;
using testing::Piped;
using testing::Texts;

TEST_CASE("a damaged row is set aside and counted, and what is around it arrives") {
  Piped p;
  p.start();
  p.keep({"one\n", "two\n", "three\n"});
  p.kill();
  p.change("two\n", "twx\n");
  p.new_pipe();
  p.start();
  const auto got = p.read(2);
  CHECK(Piped::texts(got) == Texts{"one", "three"});
  CHECK(p.counters.lost_bytes.value() == 4);
  bool kept = false;
  for (const auto& entry : std::filesystem::directory_iterator(p.dir.path))
    kept = kept || entry.path().filename().string().starts_with("spool.damaged-");
  CHECK(kept);
  Piped::settle(got);
  p.wait_released();
}

TEST_CASE("rows before a damaged last one arrive, and then nothing is left") {
  Piped p;
  p.start();
  p.keep({"one\n", "two\n", "three\n"});
  p.kill();
  p.change("three\n", "thrae\n");
  p.new_pipe();
  p.start();
  std::this_thread::sleep_for(Millis{1500});  // long enough for what is settled to be deleted
  const auto got = p.read(2);
  CHECK(Piped::texts(got) == Texts{"one", "two"});
  CHECK(p.counters.lost_bytes.value() == 6);
  Piped::settle(got);
  const Tick until = p.clock.now() + Millis{5000};
  while (p.source->status().files.size() > 1) {
    REQUIRE(p.clock.now() < until);
    p.source->checkpoint();
    (void)p.read(0);
  }
}

TEST_CASE("a row that damage hid altogether is missed and counted") {
  Piped p;
  p.start();
  p.keep({"one\n", "two\n", "three\n"});
  p.kill();
  std::string bytes = p.content();
  bytes.erase(bytes.find("two\n") - 64, 64 + 4);
  std::ofstream(p.segment(), std::ios::binary | std::ios::trunc) << bytes;
  p.new_pipe();
  p.start();
  CHECK(Piped::texts(p.read(2)) == Texts{"one", "three"});
  CHECK(p.counters.lost_bytes.value() == 4);
}

TEST_CASE("after a kill in the middle of a line the same pipe does not go on with it") {
  Piped p;
  p.start();
  p.stand_in_a_line();
  p.die();
  p.start();
  p.write("o\nthree\n");  // "o" may be the end of another line
  CHECK(Piped::texts(p.read(3)) == Texts{"tw", "o", "three"});
}

TEST_CASE(
    "a clean stop in the middle of a line holds for the next process, and for none after it") {
  Piped p;
  p.start();
  p.stand_in_a_line();
  p.kill();
  SUBCASE("the next goes on") {
    p.start();
    p.write("o\nthree\n");
    CHECK(Piped::texts(p.read(2)) == Texts{"two", "three"});
  }
  SUBCASE("one that was killed before it kept anything is between them") {
    p.start();
    p.die();
    p.start();
    p.write("o\nthree\n");
    CHECK(Piped::texts(p.read(3)) == Texts{"tw", "o", "three"});
  }
}

TEST_CASE("damage of what was settled is no loss, and damage alone goes with its input") {
  Piped p;
  p.start();
  for (const char* line : {"one\n", "two\n"}) {
    p.write(line);
    Piped::settle(p.read(1));
  }
  p.source->checkpoint();
  p.write("three\n");
  CHECK(p.read(1).size() == 1);
  p.die();
  p.change("one\n", "onx\n");
  p.change("three\n", "thrae\n");
  p.new_pipe();
  p.start();
  CHECK(p.read(0).empty());
  CHECK(p.counters.lost_bytes.value() == 6);  // of the third
  const Tick until = p.clock.now() + Millis{5000};
  while (p.source->status().files.size() > 1) {
    REQUIRE(p.clock.now() < until);
    p.source->checkpoint();
    (void)p.read(0);
  }
  CHECK(p.source->status().lag_bytes == 0);
  p.kill();
  p.new_pipe();
  p.start();
  CHECK(p.read(0).empty());
  CHECK(p.counters.lost_bytes.value() == 6);  // and not again
}

TEST_CASE("segments that go while those before them are read are no loss") {
  Piped p;
  p.start();
  const std::string line = std::string(999'999, 'x') + "\n";
  std::thread writer([&] {
    for (std::size_t at = 0; at < 8 * line.size();) {
      const std::size_t in_line = at % line.size();
      const ssize_t wrote = ::write(p.writes, line.data() + in_line, line.size() - in_line);
      if (wrote > 0) at += static_cast<std::size_t>(wrote);
    }
  });
  const std::vector<Got> got = p.read(8);
  writer.join();
  REQUIRE(got.size() == 8);
  Piped::settle(got);
  namespace fs = std::filesystem;
  fs::copy(p.dir.path + "/spool", p.dir.path + "/before");
  p.source->checkpoint();
  p.kill();
  fs::remove_all(p.dir.path + "/spool");
  fs::rename(p.dir.path + "/before", p.dir.path + "/spool");
  p.new_pipe();
  p.start();
  p.write("last\n");
  CHECK(Piped::texts(p.read(1)) == Texts{"last"});
  CHECK(p.counters.lost_bytes.value() == 0);
}

TEST_CASE("a line that is longer than the spool passes through it, one dead letter") {
  Piped p;
  p.start();
  p.write("one\n");
  std::thread writer([&] {
    const std::string piece(1'000'000, 'x');
    for (std::size_t at = 0; at < 40 * piece.size();) {
      const std::size_t in_piece = at % piece.size();
      const ssize_t wrote = ::write(p.writes, piece.data() + in_piece, piece.size() - in_piece);
      if (wrote > 0) at += static_cast<std::size_t>(wrote);
    }
    p.write("\ntwo\n");
  });
  std::vector<Got> got;
  while (got.size() < 3) {
    const std::vector<Got> more = p.read(1);
    REQUIRE_FALSE(more.empty());
    Piped::settle(more);
    got.insert(got.end(), more.begin(), more.end());
    p.source->checkpoint();
  }
  writer.join();
  CHECK(got[0].text == "one");
  CHECK(got[1].offset == 4);
  CHECK(got[2].text == "two");
  CHECK(got[2].offset == 4 + 40'000'000 + 1);
  CHECK(p.counters.lost_bytes.value() == 0);
  p.wait_released();
}

}  // namespace
}  // namespace tailgate::sources
