// SPDX-License-Identifier: Apache-2.0
#include "sources/file_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Follower;
using testing::Got;
using testing::Texts;

TEST_CASE("lines are read as they come, and a partial one when its newline comes") {
  Follower tail;
  tail.append("access.log", "one\ntwo\nthr");
  tail.start();
  CHECK(tail.texts() == Texts{"one", "two"});
  CHECK(tail.texts().empty());
  tail.append("access.log", "ee\n");
  const std::vector<Got> got = tail.read();
  CHECK(Follower::texts(got) == Texts{"three"});
  CHECK(got.front().offset == 8);
  CHECK(got.front().path == tail.logs("access.log"));
}

TEST_CASE("with once the last line needs no newline, and the end is the end") {
  Follower tail;
  tail.append("access.log", "one\ntwo");
  tail.start(true);
  CHECK_FALSE(tail.source->finished());
  CHECK(tail.texts() == Texts{"one", "two"});
  CHECK(tail.source->finished());
}

TEST_CASE("nothing is finished before its files were looked for, and without any it is") {
  Follower tail;
  tail.start(true);
  CHECK_FALSE(tail.source->finished());
  CHECK(tail.texts().empty());
  CHECK(tail.source->finished());
}

TEST_CASE("after a crash reading goes on behind what was settled and saved") {
  Follower tail;
  tail.append("access.log", "one\ntwo\nthree\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
  tail.source->checkpoint();
  got[1].chunk->settle_for_all(got[1].line, Settled::delivered);
  tail.kill();
  tail.append("access.log", "four\n");
  tail.start();
  const std::vector<Got> again = tail.read();
  CHECK(Follower::texts(again) == Texts{"two", "three", "four"});
  CHECK(again.front().gen == got.front().gen);
  CHECK(again.front().offset == got[1].offset);
  tail.settle(again);
  tail.source->checkpoint();
  tail.kill();
  tail.start();
  CHECK(tail.texts().empty());
}

TEST_CASE("a generation is in the store before its first line is handed out") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  const Uuid gen = tail.read().front().gen;
  tail.kill();
  tail.start();
  CHECK(tail.read().front().gen == gen);
}

TEST_CASE("each sink goes on where it was, also above a line that one has not settled") {
  Follower tail({}, {"gateway", "stream"});
  tail.append("access.log", "one\ntwo\nthree\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  for (const Got& one : got) one.chunk->settle(0, one.line, Settled::delivered);
  got[0].chunk->settle(1, got[0].line, Settled::delivered);
  got[2].chunk->settle(1, got[2].line, Settled::delivered);
  tail.source->checkpoint();
  tail.kill();
  tail.start();
  const std::vector<Got> again = tail.read();
  REQUIRE(Follower::texts(again) == Texts{"two", "three"});
  CHECK(again[0].chunk->settled(again[0].line, 0));
  CHECK_FALSE(again[0].chunk->settled(again[0].line, 1));
  CHECK(again[1].chunk->settled(again[1].line, 1));
}

TEST_CASE("a rotated file is read to its end before its successor") {
  Follower tail({.paths = {}, .exclude = {"*.1"}});
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.append("access.log", "two\nthree\n");
  tail.rename("access.log", "access.log.1");
  tail.append("access.log", "four\n");
  CHECK(tail.texts(5) == Texts{"two", "three", "four"});
  tail.append("access.log.1", "late\n");
  CHECK(tail.texts() == Texts{"late"});
}

TEST_CASE("a rotation while the process was away continues in the renamed file") {
  for (const bool wide : {true, false}) {
    CAPTURE(wide);
    Follower tail({.paths = {}, .exclude = wide ? Texts{} : Texts{"*.1"}});
    tail.append("access.log", "one\ntwo\n");
    tail.start();
    const std::vector<Got> got = tail.read();
    got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
    tail.source->checkpoint();
    tail.kill();
    tail.rename("access.log", "access.log.1");
    tail.append("access.log", "three\n");
    tail.start();
    const std::vector<Got> again = tail.read();
    CHECK(Follower::texts(again) == Texts{"two", "three"});
    CHECK(again[0].gen == got[0].gen);
    CHECK_FALSE(again[1].gen == got[0].gen);
  }
}

TEST_CASE("a file that is deleted is read to its end, then let go") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  tail.read_and_settle();
  tail.append("access.log", "two\nthr");
  tail.remove("access.log");
  const std::vector<Got> got = tail.read();
  CHECK(Follower::texts(got) == Texts{"two"});
  tail.settle(got);
  CHECK(tail.source->status().files.front().note == "deleted");
  tail.clock.at += std::chrono::seconds(11);
  // Nobody will end its last line any more.
  const std::vector<Got> rest = tail.read();
  CHECK(Follower::texts(rest) == Texts{"thr"});
  tail.settle(rest);
  tail.clock.at += std::chrono::seconds(11);
  CHECK(tail.texts().empty());
  CHECK(tail.source->status().files.empty());
  tail.source->checkpoint();
  CHECK(tail.store->load("access_log")->empty());
}

TEST_CASE("a deleted file is kept while a line of it is not settled") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  tail.remove("access.log");
  for (int i = 0; i < 5; ++i) {
    tail.clock.at += std::chrono::seconds(60);
    CHECK(tail.texts().empty());
  }
  CHECK(tail.source->status().files.size() == 1);
}

TEST_CASE("a truncated file begins a new generation") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  tail.truncate("access.log");
  tail.append("access.log", "three\n");
  const std::vector<Got> again = tail.read();
  REQUIRE(Follower::texts(again) == Texts{"three"});
  CHECK(again[0].offset == 0);
  CHECK_FALSE(again[0].gen == got[0].gen);
  CHECK(tail.counters.lost_bytes.value() == 0);
}

TEST_CASE("a file truncated before its turn still waits for what was rotated before it") {
  Follower tail;
  tail.append("access.log.1", "one\ntwo\nthree\n");
  tail.append("access.log", "lost\n");
  tail.start();
  tail.look();
  REQUIRE(tail.source->read(4));  // "one" alone
  tail.truncate("access.log");
  tail.append("access.log", "four\n");
  CHECK(tail.texts() == Texts{"two", "three", "four"});
}

TEST_CASE("a file truncated and written beyond its old size is not mistaken for a longer one") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  tail.read_and_settle();
  tail.truncate("access.log");
  tail.append("access.log", "three, which is longer\nfour\n");
  CHECK(tail.texts() == Texts{"three, which is longer", "four"});
  tail.source->checkpoint();
  SUBCASE("nor after a restart") {
    tail.kill();
    tail.truncate("access.log");
    tail.append("access.log", "five, which is even longer than it\nsix is not\n");
    tail.start();
    CHECK(tail.texts() == Texts{"five, which is even longer than it", "six is not"});
  }
}

TEST_CASE("what a copytruncate took away unread is read from the copy, in the old generation") {
  for (const bool wide : {true, false}) {
    CAPTURE(wide);
    Follower tail({.paths = {}, .exclude = wide ? Texts{} : Texts{"*.1"}});
    tail.append("access.log", "one\n");
    tail.start();
    const Uuid gen = tail.read().front().gen;
    tail.append("access.log", "two\n");
    tail.copy("access.log", "access.log.1");
    tail.truncate("access.log");
    tail.append("access.log", "three\n");
    const std::vector<Got> got = tail.read();
    REQUIRE(Follower::texts(got) == Texts{"two", "three"});
    CHECK(got[0].gen == gen);
    CHECK(got[0].offset == 4);
    CHECK_FALSE(got[1].gen == gen);
    CHECK(tail.texts().empty());
  }
}

TEST_CASE("a copy under a wide pattern is not read twice") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one", "two"});
  tail.copy("access.log", "access.log.1");
  CHECK(tail.texts().empty());
  tail.truncate("access.log");
  CHECK(tail.texts().empty());
  tail.append("access.log", "three\n");
  tail.clock.at += std::chrono::seconds(10);
  CHECK(tail.texts() == Texts{"three"});
}

TEST_CASE(
    "a copy that was found empty is known by its first bytes, even when they come after the "
    "truncation") {
  for (const bool filled_first : {true, false}) {
    Follower tail;
    tail.append("access.log", "one\ntwo\n");
    tail.start();
    tail.read_and_settle();
    tail.append("access.log.1", "");
    CHECK(tail.texts().empty());
    if (filled_first) {
      tail.append("access.log.1", "one\ntwo\n");
      CHECK(tail.texts().empty());
    }
    tail.truncate("access.log");
    if (!filled_first) {
      CHECK(tail.texts().empty());
      tail.append("access.log.1", "one\ntwo\n");
    }
    tail.append("access.log", "three\n");
    CHECK(tail.texts() == Texts{"three"});
    CHECK(tail.texts().empty());
  }
}

TEST_CASE("a line whose work was forgotten is read again, and what was settled is not") {
  Follower tail;
  tail.append("access.log", "one\ntwo\nthree\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
  got[2].chunk->settle_for_all(got[2].line, Settled::delivered);
  got[1].chunk->forget(got[1].line);
  const std::vector<Got> again = tail.read();
  REQUIRE(again.size() == 2);
  CHECK(again[0].text == "two");
  CHECK(again[0].gen == got[0].gen);
  CHECK_FALSE(again[0].chunk->settled(again[0].line, 0));
  CHECK(again[1].chunk->settled(again[1].line, 0));
}

TEST_CASE("a compressed rotation that was found empty is not read") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  tail.read_and_settle();
  tail.append("access.log.1.gz", "");
  CHECK(tail.texts().empty());
  tail.append("access.log.1.gz", "\x1f\x8b\x08 and more\n");
  CHECK(tail.texts().empty());
}

TEST_CASE("a file with a rotation's name that was found empty and holds lines of its own is read") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  tail.read_and_settle();
  tail.append("access.log.extra", "");
  CHECK(tail.texts().empty());
  tail.append("access.log.extra", "two\n");
  CHECK(tail.texts() == Texts{"two"});
}

TEST_CASE("a copytruncate while the process was away continues in the copy") {
  Follower tail({.paths = {}, .exclude = {"*.1"}});
  const std::vector<Got> got = tail.read_and_die("one\ntwo\n", {0});
  tail.copy("access.log", "access.log.1");
  tail.truncate("access.log");
  tail.append("access.log", "three\n");
  tail.start();
  const std::vector<Got> again = tail.read();
  CHECK(Follower::texts(again) == Texts{"two", "three"});
  CHECK(again[0].gen == got[0].gen);
}

TEST_CASE("files that are alike but have unrelated names are all read") {
  Follower tail({.paths = {}});
  tail.append("access.log", "same\n");
  tail.append("access.logbook", "same\n");
  tail.start();
  CHECK(tail.texts() == Texts{"same", "same"});
}

TEST_CASE("what is lost while the process was away is counted, once") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  tail.read();
  tail.source->checkpoint();
  tail.kill();
  tail.remove("access.log");
  tail.start();
  tail.read();
  CHECK(tail.counters.lost_bytes.value() == 8);
  tail.source->checkpoint();
  tail.kill();
  tail.start();
  tail.read();
  CHECK(tail.counters.lost_bytes.value() == 8);
}

}  // namespace
}  // namespace tailgate::sources
