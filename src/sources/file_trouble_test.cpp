// SPDX-License-Identifier: Apache-2.0
// Files that are not what they seem, or cannot be seen for a while.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Follower;
using testing::Got;
using testing::Texts;
using testing::Unprivileged;

/// Other content in the same inode: what a reused inode looks like.
void replace(const Follower& tail, const std::string& name, const std::string& text) {
  tail.truncate(name);
  tail.append(name, text);
}

/// Files do not grow beyond a few bytes, as if the disk were full.
struct NoRoom {
  NoRoom() : heard_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &was_) == 0);
    const rlimit few{64, was_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &few) == 0);
  }
  ~NoRoom() {
    (void)setrlimit(RLIMIT_FSIZE, &was_);
    (void)std::signal(SIGXFSZ, heard_);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  rlimit was_{};
  void (*heard_)(int);
};

TEST_CASE("a log and its rotation of the same moment keep their order over a restart") {
  Follower tail;
  tail.append("access.log.1", "one\n");
  tail.append("access.log", "two\n");
  const auto moment = std::filesystem::last_write_time(tail.logs("access.log"));
  std::filesystem::last_write_time(tail.logs("access.log.1"), moment);
  tail.start();
  tail.look();
  tail.kill();
  tail.rename("access.log", "access.log.2");
  tail.append("access.log", "three\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one", "two", "three"});
}

TEST_CASE("a log that was noted while it was empty is known by what was read since") {
  bool saved = true;
  SUBCASE("and saved") {}
  SUBCASE("before anything of that was saved") {
    saved = false;
  }
  Follower tail;
  tail.append("access.log", "");
  tail.start();
  CHECK(tail.texts().empty());
  tail.append("access.log", "one\n");
  const std::vector<Got> got = tail.read();
  REQUIRE(Follower::texts(got) == Texts{"one"});
  if (saved) tail.source->checkpoint();
  tail.kill();
  tail.copy("access.log", "access.log.1");
  replace(tail, "access.log", "two\n");
  tail.start();
  const std::vector<Got> again = tail.read();
  REQUIRE(Follower::texts(again) == Texts{"one", "two"});
  CHECK(again[0].gen == got[0].gen);
  CHECK_FALSE(again[1].gen == got[0].gen);
}

TEST_CASE("what was noted while it was empty takes its place anew among what was rotated since") {
  Follower tail;
  tail.append("access.log", "");
  tail.start();
  tail.look();
  tail.kill();
  tail.append("access.log", "one\ntwo\n");
  tail.copy("access.log", "access.log.2");
  replace(tail, "access.log", "three\n");
  tail.start();
  const std::vector<Got> first = tail.read(4);
  REQUIRE(Follower::texts(first) == Texts{"one", "two", "three"});
  Follower::settle({first[0]});
  tail.source->checkpoint();
  tail.kill();
  tail.copy("access.log", "access.log.3");
  replace(tail, "access.log", "four\n");
  tail.start();
  CHECK(tail.texts() == Texts{"two", "three", "four"});
}

TEST_CASE("a new file that cannot be noted waits, and holds up no other") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.append("access.log", "two\n");
  tail.append("access.log.api", "three\n");
  {
    const NoRoom full;
    CHECK(tail.look().ready);
    CHECK(tail.texts() == Texts{"two"});
    CHECK(tail.texts().empty());
  }
  CHECK(tail.texts() == Texts{"three"});
}

TEST_CASE("a log that waits for its own copy is read from it once it was truncated") {
  Follower tail;
  tail.append("access.log.1", "one\ntwo\n");
  std::this_thread::sleep_for(Millis(20));
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  tail.look();  // found together: which of them is the copy is not to be seen
  tail.truncate("access.log");
  tail.append("access.log", "three\n");
  CHECK(tail.texts() == Texts{"one", "two", "three"});
}

TEST_CASE("what one sink settled of a file is not taken as settled of another that got its inode") {
  Follower tail({}, {"gateway", "stream"});
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  const std::vector<Got> got = tail.read();
  // The gateway is down; the stream took everything.
  for (const Got& one : got) one.chunk->settle(1, one.line, Settled::delivered);
  tail.source->checkpoint();
  tail.kill();
  replace(tail, "access.log", "six\nten\n");
  tail.start();
  const std::vector<Got> other = tail.read();
  REQUIRE(Follower::texts(other) == Texts{"six", "ten"});
  CHECK_FALSE(other[0].gen == got[0].gen);
  for (const Got& one : other) CHECK_FALSE(one.chunk->settled(one.line, 1));
  CHECK(tail.counters.lost_bytes.value() == 8);
}

TEST_CASE("lines settled above one that waits are not taken as settled of another file") {
  Follower tail;
  const std::vector<Got> got = tail.read_and_die("one\ntwo\n", {1});
  replace(tail, "access.log", "one\nsix\n");
  tail.start();
  for (const Got& one : tail.read()) CHECK_FALSE(one.chunk->settled(one.line, 0));
}

TEST_CASE("a file of which nothing was settled is known again under another name") {
  Follower tail({.paths = {}, .exclude = {"*.1"}});
  const std::vector<Got> got = tail.read_and_die("one\n");
  tail.copy("access.log", "access.log.1");
  tail.remove("access.log");
  tail.append("access.log", "two\n");
  tail.start();
  const std::vector<Got> again = tail.read();
  REQUIRE(Follower::texts(again) == Texts{"one", "two"});
  CHECK(again[0].gen == got[0].gen);
}

TEST_CASE(
    "two files that begin alike are not mixed up when both were rotated while nobody looked") {
  Follower tail({.paths = {}, .exclude = {"*.[0-9]"}});
  tail.append("access.log", "head\none\n");
  tail.append("access.log.b", "head\ntwo\n");
  tail.start();
  Texts first = tail.texts();
  std::sort(first.begin(), first.end());
  REQUIRE(first == Texts{"head", "head", "one", "two"});
  tail.source->checkpoint();
  tail.kill();
  tail.rename("access.log", "access.log.1");
  tail.rename("access.log.b", "access.log.2");
  tail.start();
  Texts again = tail.texts();
  std::sort(again.begin(), again.end());
  CHECK(again == first);
  CHECK(tail.counters.lost_bytes.value() == 0);
}

TEST_CASE("a directory that cannot be listed for a while does not make its files new ones") {
  Follower tail;
  tail.append("access.log", "one\n");
  const Unprivileged now(tail.folder());
  tail.start();
  tail.read_and_settle();
  using std::filesystem::perms;
  // First the names cannot be listed, then not even looked up.
  for (const perms left : {perms::owner_exec, perms::none}) {
    std::filesystem::permissions(tail.folder(), left);
    for (int i = 0; i < 10; ++i) {
      tail.clock.at += std::chrono::seconds(30);
      CHECK(tail.texts().empty());
    }
  }
  std::filesystem::permissions(tail.folder(), perms::owner_all);
  tail.append("access.log", "two\n");
  CHECK(tail.texts() == Texts{"two"});
}

TEST_CASE("a file that may not be read at the start goes on where it was once it may") {
  Follower tail;
  tail.append("access.log", "one\n");
  const Unprivileged now(tail.folder());
  tail.start();
  tail.read_and_settle();
  tail.kill();
  tail.append("access.log", "two\n");
  std::filesystem::permissions(tail.logs("access.log"), std::filesystem::perms::none);
  tail.start();
  CHECK(tail.texts().empty());
  CHECK(tail.counters.unread_inputs.value() == 0);
  tail.source->checkpoint();
  CHECK(tail.counters.unread_inputs.value() == 1);
  std::filesystem::permissions(tail.logs("access.log"), std::filesystem::perms::owner_all);
  tail.clock.at += std::chrono::seconds(6);
  CHECK(tail.texts() == Texts{"two"});
  CHECK(tail.counters.lost_bytes.value() == 0);
}

TEST_CASE("a file that comes back while the process runs goes on where it was") {
  Follower tail;
  const std::vector<Got> got = tail.read_and_die("one\ntwo\n", {0});
  tail.rename("access.log", "elsewhere");
  std::filesystem::create_directory(tail.logs("other"));
  tail.rename("elsewhere", "other/elsewhere");
  tail.start();
  CHECK(tail.texts().empty());
  CHECK(tail.counters.lost_bytes.value() == 4);
  tail.rename("other/elsewhere", "access.log");
  const std::vector<Got> again = tail.read();
  REQUIRE(Follower::texts(again) == Texts{"two"});
  CHECK(again[0].gen == got[0].gen);
  CHECK(again[0].offset == 4);
}

TEST_CASE("without inotify files and rotations are found by looking") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start_without_inotify();
  CHECK(tail.source->wait_fd() == -1);
  CHECK(tail.texts() == Texts{"one"});
  tail.append("access.log", "two\n");
  CHECK(tail.texts() == Texts{"two"});
  tail.append("access.log", "three\n");
  tail.rename("access.log", "access.log.1");
  tail.append("access.log", "four\n");
  CHECK(tail.texts() == Texts{"three", "four"});
  tail.clock.at += std::chrono::seconds(6);
  tail.append("access.log.new", "five\n");
  tail.clock.at += std::chrono::seconds(6);
  CHECK(tail.texts() == Texts{"five"});
}

TEST_CASE("a log behind a link is found again after a rotation while the process was down") {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir.path + "/pods");
  std::filesystem::create_directories(dir.path + "/containers");
  const std::string log = dir.path + "/pods/0.log";
  std::ofstream(log) << "one\ntwo\n";
  std::filesystem::create_symlink("../pods/0.log", dir.path + "/containers/app.log");
  Follower tail({.paths = {dir.path + "/containers/*.log"}});
  tail.start();
  const std::vector<Got> got = tail.read();
  REQUIRE(Follower::texts(got) == Texts{"one", "two"});
  got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
  tail.source->checkpoint();
  tail.kill();
  std::ofstream(log, std::ios::app) << "three\n";
  std::filesystem::rename(log, log + ".20261125-101010");
  std::ofstream(log) << "four\n";
  tail.start();
  const std::vector<Got> again = tail.read();
  CHECK(Follower::texts(again) == Texts{"two", "three", "four"});
  CHECK(again[0].gen == got[0].gen);
}

TEST_CASE(
    "of files rotated away, those that wait for nothing are let go before one that is unread") {
  FileSettings settings;
  settings.exclude = {"*.[0-9]"};
  settings.rotated_max_files = 2;
  Follower tail(settings);
  tail.start();
  const std::string line = std::string((std::size_t{1} << 20) - 1, 'x') + "\n";
  for (int i = 0; i < 70; ++i) tail.append("access.log", line);
  const std::vector<Got> held = tail.read(1 << 20);
  CHECK(held.size() == 65);  // the window is full
  tail.rename("access.log", "access.log.0");
  CHECK(tail.texts().empty());
  for (int i = 1; i < 4; ++i) {
    tail.append("access.log", "");
    tail.clock.at += std::chrono::seconds(6);
    tail.texts();
    tail.rename("access.log", "access.log." + std::to_string(i));
    tail.texts();
  }
  CHECK(tail.counters.lost_bytes.value() == 0);
  Follower::settle(held);
  CHECK(tail.texts(1 << 20).size() == 5);
}

TEST_CASE("what was read before a truncation stays in the books until it is settled") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  const std::vector<Got> read = tail.read();
  REQUIRE(read.size() == 2);
  tail.source->checkpoint();
  read[0].chunk->settle_for_all(read[0].line, Settled::delivered);
  tail.truncate("access.log");
  CHECK(tail.texts().empty());
  tail.source->checkpoint();
  CHECK(tail.counters.lag_bytes.value() == 4);
  CHECK(tail.counters.lost_bytes.value() == 0);
  SUBCASE("delivered later: nothing is lost, and the totals know it") {
    read[1].chunk->settle_for_all(read[1].line, Settled::delivered);
    tail.source->checkpoint();
    CHECK(tail.counters.lag_bytes.value() == 0);
    tail.stop();
    CHECK(tail.counters.lost_bytes.value() == 0);
    tail.start();
    CHECK(tail.texts().empty());
    const auto totals = tail.store->totals("access_log");
    REQUIRE(totals.has_value());
    CHECK(totals->at("gateway")[static_cast<std::size_t>(Settled::delivered)] == 2);
  }
  SUBCASE("the process ends before that: counted as lost, once") {
    tail.stop();
    CHECK(tail.counters.lost_bytes.value() == 4);
    tail.start();
    CHECK(tail.texts().empty());
    CHECK(tail.counters.lost_bytes.value() == 4);
  }
  SUBCASE("the process is killed before that: the next one counts it") {
    tail.kill();
    tail.start();
    CHECK(tail.texts().empty());
    CHECK(tail.counters.lost_bytes.value() == 4);
  }
}

TEST_CASE("a truncation is seen though as many bytes with the same end were written since") {
  Follower tail;
  const std::string end(2000, 'x');
  tail.append("access.log", "one" + end + "\n");
  tail.start();
  tail.read_and_settle();
  std::this_thread::sleep_for(Millis(20));
  tail.truncate("access.log");
  tail.append("access.log", "two" + end + "\n");
  CHECK(tail.texts() == Texts{"two" + end});
}

TEST_CASE("a log that was truncated and then renamed is read before what has its name now") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.copy("access.log", "access.log.1");
  tail.truncate("access.log");
  tail.append("access.log", "two\n");
  std::this_thread::sleep_for(Millis(20));
  tail.rename("access.log", "access.log.2");
  tail.append("access.log", "three\n");
  CHECK(tail.texts() == Texts{"two", "three"});
}

}  // namespace
}  // namespace tailgate::sources
