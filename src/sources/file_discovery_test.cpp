// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "sources/fingerprint.h"
#include "sources/resume.h"
#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Follower;
using testing::Got;
using testing::TempDir;
using testing::Texts;

TEST_CASE("a directory that comes later is found, however deep") {
  const TempDir dir;
  Follower tail({.paths = {dir.path + "/pods/*/app/*.log"}});
  tail.start();
  CHECK(tail.texts().empty());
  std::filesystem::create_directories(dir.path + "/pods/one/app");
  CHECK(tail.texts().empty());
  std::ofstream(dir.path + "/pods/one/app/0.log") << "one\n";
  CHECK(tail.texts() == Texts{"one"});
}

TEST_CASE("excluded files are not read, by name or by path") {
  const TempDir dir;
  Follower tail({.paths = {dir.path + "/*"}, .exclude = {"*.tmp", dir.path + "/secret*"}});
  for (const char* name : {"a.log", "a.tmp", "secret.log"}) {
    std::ofstream(dir.path + "/" + name) << name << "\n";
  }
  tail.start();
  CHECK(tail.texts() == Texts{"a.log"});
}

TEST_CASE("a symbolic link is followed, and a new target is a new file") {
  const TempDir dir;
  Follower tail({.paths = {dir.path + "/link.log"}});
  std::filesystem::create_directories(dir.path + "/real");
  std::ofstream(dir.path + "/real/0.log") << "one\n";
  std::filesystem::create_symlink(dir.path + "/real/0.log", dir.path + "/link.log");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  std::ofstream(dir.path + "/real/1.log") << "two\n";
  std::filesystem::remove(dir.path + "/link.log");
  std::filesystem::create_symlink(dir.path + "/real/1.log", dir.path + "/link.log");
  CHECK(tail.texts() == Texts{"two"});
}

TEST_CASE("one file under two names is read once") {
  const TempDir dir;
  Follower tail({.paths = {dir.path + "/*.log"}});
  std::ofstream(dir.path + "/a.log") << "one\n";
  std::filesystem::create_hard_link(dir.path + "/a.log", dir.path + "/b.log");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
}

TEST_CASE("what was rotated while nobody looked is read in the order of writing") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  tail.read_and_settle();
  tail.kill();
  for (const char* turn : {"1", "2", "3"}) {
    tail.append("access.log", std::string("late ") + turn + "\n");
    tail.rename("access.log", std::string("access.log.") + turn);
    std::this_thread::sleep_for(Millis(20));  // the order is that of the files' times
  }
  tail.append("access.log", "new\n");
  tail.start();
  CHECK(tail.texts() == Texts{"late 1", "late 2", "late 3", "new"});
}

TEST_CASE("rotated files of which several were not settled go on in the order of writing") {
  Follower tail;
  tail.start();
  Texts written;
  for (const char* turn : {"1", "2", "3"}) {
    written.push_back(std::string("line of ") + turn);
    tail.append("access.log", written.back() + "\n");
    CHECK(tail.texts() == Texts{written.back()});
    tail.rename("access.log", std::string("access.log.") + turn);
    std::this_thread::sleep_for(Millis(20));
  }
  tail.source->checkpoint();
  tail.kill();
  tail.start();
  CHECK(tail.texts() == written);
}

TEST_CASE("a file that was renamed after it was found is opened, and not what has its name") {
  const TempDir dir;
  std::ofstream(dir.path + "/access.log") << "one";
  Found found = files_in(dir.path).front();
  std::filesystem::rename(dir.path + "/access.log", dir.path + "/access.log.1");
  std::ofstream(dir.path + "/access.log") << "two";
  const Handle handle = open_found(found);
  REQUIRE(handle.valid());
  CHECK(bytes_at(handle.fd(), 0, 3) == "one");
  CHECK(found.path == dir.path + "/access.log.1");
  std::filesystem::remove(dir.path + "/access.log.1");
  CHECK_FALSE(open_found(found).valid());
  CHECK(errno == ENOENT);
}

TEST_CASE("files whose folder cannot be listed for a while are not given up") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  tail.read_and_settle();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{3, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int i = 0; i < 100; ++i) {
    tail.clock.at += Millis(5000);
    tail.source->watch(tail.clock.at);
  }
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  tail.append("access.log", "two\n");
  CHECK(tail.texts() == Texts{"two"});
}

TEST_CASE("several rotations between two looks are read in the order of writing") {
  Follower tail;
  tail.start();
  tail.append("access.log", "one\n");
  CHECK(tail.texts() == Texts{"one"});
  tail.append("access.log", "late one\n");
  tail.rename("access.log", "access.log.1");
  std::this_thread::sleep_for(Millis(20));
  tail.append("access.log", "two\n");
  tail.rename("access.log", "access.log.2");
  std::this_thread::sleep_for(Millis(20));
  tail.append("access.log", "three\n");
  CHECK(tail.texts() == Texts{"late one", "two", "three"});
}

TEST_CASE("rotations are read in the order of writing, also while their log is not there") {
  Follower tail;
  const std::string one(5000, 'x');
  tail.append("access.log", one + "\n" + one + "\n");
  tail.rename("access.log", "access.log.1");
  std::this_thread::sleep_for(Millis(20));
  tail.append("access.log", "two\n");
  tail.rename("access.log", "access.log.2");
  tail.start();
  CHECK(tail.texts(6000) == Texts{one, one, "two"});
}

TEST_CASE("start_at end holds for what was there at the first start, and for nothing else") {
  FileSettings settings;
  settings.start_at_end = true;
  Follower tail(settings);
  tail.append("access.log", "old\nbeg");
  tail.start();
  CHECK(tail.texts().empty());
  tail.append("access.log", "un\n");
  tail.append("access.log.new", "new\n");
  Texts texts = tail.texts();
  std::sort(texts.begin(), texts.end());
  CHECK(texts == Texts{"begun", "new"});
  tail.source->checkpoint();
  tail.kill();
  tail.start();
  texts = tail.texts();
  std::sort(texts.begin(), texts.end());
  CHECK(texts == Texts{"begun", "new"});
}

TEST_CASE("a compressed file is not read as text") {
  Follower tail;
  tail.append("access.log.1.gz", "\x1f\x8b rest\n");
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
}

TEST_CASE("a file that may not be read is tried again") {
  Follower tail;
  tail.append("access.log", "one\n");
  const testing::Unprivileged now(tail.folder());
  std::filesystem::permissions(tail.logs("access.log"), std::filesystem::perms::none);
  tail.start();
  CHECK(tail.texts().empty());
  std::filesystem::permissions(tail.logs("access.log"), std::filesystem::perms::owner_all);
  CHECK(tail.texts() == Texts{"one"});
}

TEST_CASE("files take turns") {
  const TempDir dir;
  Follower tail({.paths = {dir.path + "/*.log"}});
  for (const char* name : {"a", "b", "c"}) {
    std::ofstream file(dir.path + "/" + name + ".log");
    for (int i = 0; i < 100; ++i) file << name << "\n";
  }
  tail.start();
  const std::vector<Got> got = tail.read(20);
  REQUIRE(got.size() == 300);
  std::map<std::string, int> first;
  for (std::size_t i = 0; i < 30; ++i) ++first[got[i].text];
  CHECK(first == std::map<std::string, int>{{"a", 10}, {"b", 10}, {"c", 10}});
}

TEST_CASE("a line over the limit is told with its place, and nothing else suffers") {
  FileSettings settings;
  settings.max_line_bytes = 1024;
  Follower tail(settings);
  tail.append("access.log", "one\n" + std::string(100'000, 'x') + "\ntwo\n");
  tail.start();
  const std::vector<Got> got = tail.read(256);
  REQUIRE(Follower::texts(got) == Texts{"one", "<too long>", "two"});
  CHECK(got[1].offset == 4);
  CHECK(got[2].offset == 4 + 100'001);
  tail.settle(got);
  CHECK(tail.source->status().lag_bytes == 0);
}

TEST_CASE("reading pauses 64 MiB behind what is settled") {
  Follower tail;
  const std::string line = std::string((std::size_t{1} << 20) - 1, 'x') + "\n";
  for (int i = 0; i < 70; ++i) tail.append("access.log", line);
  tail.start();
  std::vector<Got> got = tail.read(1 << 20);
  CHECK(got.size() == 65);
  got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
  CHECK(tail.read(1 << 20).size() == 1);
  tail.settle(got);
  CHECK(tail.read(1 << 20).size() == 4);
}

TEST_CASE("reading pauses while the settled ranges would not fit into a checkpoint") {
  Follower tail;
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "line\n";
  tail.append("access.log", text);
  tail.start();
  const std::vector<Got> got = tail.read(40'000);
  for (std::size_t i = 1; i < got.size(); i += 2)
    got[i].chunk->settle_for_all(got[i].line, Settled::delivered);
  tail.source->checkpoint();
  tail.append("access.log", "more\n");
  CHECK(tail.texts().empty());
  tail.settle(got);
  tail.source->checkpoint();
  CHECK(tail.texts() == Texts{"more"});
}

TEST_CASE("of files rotated away, the oldest beyond the limit is let go and counted") {
  FileSettings settings;
  settings.exclude = {"*.[0-9]"};
  settings.rotated_max_files = 2;
  Follower tail(settings);
  tail.start();
  std::vector<Got> held;
  for (int i = 0; i < 4; ++i) {
    tail.append("access.log", "line\n");
    for (Got& got : tail.read()) held.push_back(std::move(got));
    tail.rename("access.log", "access.log." + std::to_string(i));
  }
  CHECK(tail.texts().empty());
  CHECK(tail.source->status().files.size() == 2);
}

TEST_CASE("a writer that holds a file is told from one that has closed it") {
  Follower tail;
  const int writer = open(tail.logs("access.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  REQUIRE(write(writer, "one\n", 4) == 4);
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  CHECK_FALSE(tail.source->writers_gone());
  close(writer);
  CHECK(tail.texts().empty());
  CHECK(tail.source->writers_gone());
}

TEST_CASE(
    "what a compressing rotation took away unread while the process was down is counted as lost") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  tail.read_and_settle();
  tail.kill();
  tail.append("access.log", "three\n");
  REQUIRE(std::system(("gzip -q " + tail.logs("access.log")).c_str()) == 0);
  tail.append("access.log", "four\n");
  tail.start();
  CHECK(tail.texts() == Texts{"four"});
  CHECK(tail.counters.lost_bytes.value() == 6);
}

TEST_CASE("a file source says where it stands") {
  Follower tail;
  tail.append("access.log", "one\ntwo\n");
  tail.start();
  CHECK_FALSE(tail.source->status().watching);
  const std::vector<Got> got = tail.read();
  got[0].chunk->settle_for_all(got[0].line, Settled::delivered);
  tail.clock.at += std::chrono::seconds(3);
  tail.source->checkpoint();
  const SourceStatus status = tail.source->status();
  CHECK(status.watching);
  REQUIRE(status.files.size() == 1);
  CHECK(status.files[0].read == 8);
  CHECK(status.files[0].settled == 4);
  CHECK(status.lag_bytes == 4);
  CHECK(tail.counters.lag_bytes.value() == 4);
  CHECK(tail.counters.lag_millis.value() == 3000);
}

TEST_CASE("rotated names are known from unrelated ones") {
  CHECK(looks_rotated("access.log", "access.log.1"));
  CHECK(looks_rotated("access.log", "access.log-20261123"));
  CHECK(looks_rotated("access.log", "access-20261123.log"));
  CHECK_FALSE(looks_rotated("access.log", "access.log"));
  CHECK_FALSE(looks_rotated("access.log", "accessory.log"));
  CHECK_FALSE(looks_rotated("worker-1.log", "worker-2.log"));
  CHECK_FALSE(looks_rotated("worker-1.log", "worker-10.log"));
}

}  // namespace
}  // namespace tailgate::sources
