// SPDX-License-Identifier: Apache-2.0
// Deleted files at the end of the process.
#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Follower;
using testing::Got;
using testing::Texts;

std::vector<std::string> orphans(const Follower& tail) {
  std::vector<std::string> names;
  const std::string folder = tail.logs("data/orphans/access_log");
  if (!std::filesystem::exists(folder)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path());
  return names;
}

TEST_CASE("what waits of a deleted file when the process ends is delivered by the next run") {
  Follower tail;
  const std::string pad(2000, 'x');
  tail.append("access.log", "one" + pad + "\ntwo\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
  tail.source->checkpoint();
  tail.append("access.log", "three\nfou");
  tail.remove("access.log");
  tail.append("access.log", "new\n");
  tail.source->watch(tail.clock.at += std::chrono::seconds(6));
  tail.stop();
  REQUIRE(orphans(tail).size() == 1);
  CHECK(tail.counters.lost_bytes.value() == 0);

  tail.start();
  const std::vector<Got> rest = tail.read();
  // Before what has the path now; nobody will end the last line any more.
  REQUIRE(Follower::texts(rest) == Texts{"two", "three", "fou", "new"});
  CHECK(rest[0].gen == got[0].gen);
  CHECK(rest[0].offset == got[1].offset);
  CHECK(rest[0].path == tail.logs("access.log"));
  SUBCASE("again after a crash") {
    tail.kill();
    tail.start();
    CHECK(tail.texts() == Texts{"two", "three", "fou", "new"});
    CHECK(tail.read().empty());
  }
  SUBCASE("again after another end of the process") {
    rest[0].chunk->settle_for_all(rest[0].line, Settled::delivered);
    tail.source->checkpoint();
    tail.stop();
    REQUIRE(orphans(tail).size() == 1);
    tail.start();
    const std::vector<Got> again = tail.read();
    REQUIRE(Follower::texts(again) == Texts{"three", "fou", "new"});
    CHECK(again[0].path == tail.logs("access.log"));
  }
  SUBCASE("and its copy goes once it is settled") {
    Follower::settle(rest);
    tail.source->checkpoint();
    tail.read();
    CHECK(orphans(tail).empty());
    tail.source->checkpoint();
    tail.kill();
    tail.start();
    CHECK(tail.texts().empty());
    CHECK(tail.counters.lost_bytes.value() == 0);
  }
}

TEST_CASE("nothing is kept of a deleted file that was settled, nor of one that has another name") {
  Follower tail({.paths = {}, .exclude = {"*.1"}});
  tail.append("access.log", "one\n");
  tail.append("access.logs", "two\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  for (const Got& one : got) {
    if (one.text == "one") one.chunk->settle_for_all(one.line, Settled::delivered);
  }
  tail.remove("access.log");
  tail.rename("access.logs", "access.logs.1");
  tail.read();
  tail.stop();
  CHECK(orphans(tail).empty());
  tail.start();
  CHECK(tail.texts() == Texts{"two"});
}

TEST_CASE("a file that was renamed out of its folder is kept like a deleted one") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  std::filesystem::create_directory(tail.logs("archive"));
  tail.rename("access.log", "archive/access.log");
  CHECK(tail.texts().empty());
  tail.stop();
  CHECK(orphans(tail).size() == 1);
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
}

TEST_CASE(
    "what is written to a deleted file while the process ends is kept too, or delivered in time") {
  for (const bool delivered : {false, true}) {
    Follower tail;
    const int writer = open(tail.logs("access.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    REQUIRE(write(writer, "one\n", 4) == 4);
    tail.start();
    std::vector<Got> got = tail.read();
    tail.remove("access.log");
    CHECK(tail.texts().empty());
    tail.source->stopping(tail.clock.at + std::chrono::seconds(25));
    CHECK(orphans(tail).size() == 1);
    REQUIRE(write(writer, "two\n", 4) == 4);
    close(writer);
    if (delivered) {
      Follower::settle(got);
      Follower::settle(tail.read());
    }
    tail.source->checkpoint();
    tail.source->ends();
    tail.kill();
    CHECK(orphans(tail).size() == (delivered ? 0 : 1));
    tail.start();
    CHECK(tail.texts() == (delivered ? Texts{} : Texts{"one", "two"}));
    CHECK(tail.counters.lost_bytes.value() == 0);
  }
}

TEST_CASE("what cannot be kept of a deleted file is counted as lost") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.append("data/orphans", "in the way");
  tail.remove("access.log");
  tail.stop();
  CHECK(tail.counters.lost_bytes.value() == 4);
}

TEST_CASE("a log that is truncated and deleted at the very end is no loss where a copy holds it") {
  Follower tail({.paths = {}, .exclude = {"*.1"}});
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.copy("access.log", "access.log.1");
  tail.truncate("access.log");
  tail.remove("access.log");
  tail.stop();
  CHECK(tail.counters.lost_bytes.value() == 0);
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
}

TEST_CASE("a copy that no record knows is removed at the start") {
  Follower tail;
  std::filesystem::create_directories(tail.logs("data/orphans/access_log"));
  tail.append("data/orphans/access_log/left", "one\n");
  tail.start();
  CHECK(tail.texts().empty());
  CHECK(orphans(tail).empty());
}

TEST_CASE(
    "of a log some of whose files were renamed and a later one was deleted, the earlier come "
    "first") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.rename("access.log", "access.log.1");
  std::this_thread::sleep_for(Millis(20));
  tail.append("access.log", "two\n");
  tail.start();
  tail.source->watch(tail.clock.at);
  tail.source->watch(tail.clock.at += std::chrono::seconds(6));
  tail.remove("access.log");
  tail.append("access.log", "three\n");
  tail.stop();
  tail.start();
  CHECK(tail.texts() == Texts{"one", "two", "three"});
}

TEST_CASE("a file that was made and renamed while its deleted predecessor waits comes after it") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.append("access.log", std::string(5000, 'x') + "\n");
  tail.remove("access.log");
  tail.append("access.log", "three\n");
  tail.rename("access.log", "access.log.1");
  const std::vector<std::string> rest = tail.texts(1000);
  REQUIRE(rest.size() == 2);
  CHECK(rest[1] == "three");
}

}  // namespace
}  // namespace tailgate::sources
