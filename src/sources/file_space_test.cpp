// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "sources/source_fixture.h"

namespace tailgate::sources::testing {
namespace {

std::string numbered(int from, int to) {
  std::string lines;
  for (int n = from; n < to; ++n) lines += std::to_string(n) + std::string(100, 'x') + "\n";
  return lines;
}

std::uint64_t allocated(const std::string& path) {
  struct stat about {};
  REQUIRE(stat(path.c_str(), &about) == 0);
  return static_cast<std::uint64_t>(about.st_blocks) * 512;
}

TEST_CASE("punch_hole frees what is settled, and a restart knows the file again") {
  Follower tail({.reclaim = Reclaim::punch_hole});
  tail.append("access.log", numbered(0, 100'000));
  tail.start();
  const std::uint64_t before = allocated(tail.logs("access.log"));
  Follower::settle(tail.read(1 << 20));
  tail.source->checkpoint();
  CHECK(allocated(tail.logs("access.log")) < before / 10);
  CHECK(std::filesystem::file_size(tail.logs("access.log")) > before / 2);
  tail.append("access.log", "more\n");
  tail.kill();
  tail.start();
  CHECK(tail.texts() == Texts{"more"});
}

TEST_CASE("punch_hole leaves alone what is not settled") {
  Follower tail({.reclaim = Reclaim::punch_hole});
  tail.append("access.log", numbered(0, 50'000));
  tail.start();
  const std::vector<Got> got = tail.read(1 << 20);
  tail.source->checkpoint();
  tail.kill();
  tail.start();
  CHECK(tail.texts(1 << 20).size() == 50'000);
}

TEST_CASE("delete_rotated removes a file that was rotated away, read and settled, and no other") {
  FileSettings settings{.reclaim = Reclaim::delete_rotated};
  SUBCASE("to a name that is read") {}
  SUBCASE("to a name that is not read") {
    settings.exclude = {"access.log.*"};
  }
  Follower tail(settings);
  tail.append("access.log", "one\n");
  tail.start();
  tail.read_and_settle();
  tail.rename("access.log", "access.log.1");
  tail.append("access.log", "two\n");
  const std::vector<Got> got = tail.read();
  for (int i = 0; i < 30; ++i) tail.read_and_settle();
  CHECK_FALSE(std::filesystem::exists(tail.logs("access.log.1")));
  CHECK(std::filesystem::exists(tail.logs("access.log")));
  Follower::settle(got);
}

TEST_CASE(
    "what max_backlog drops is dropped once, and its space is freed though older lines wait") {
  Follower tail({.reclaim = Reclaim::punch_hole, .max_backlog = 8 << 20, .drop_backlog = true});
  tail.append("access.log", numbered(0, 1'000));
  tail.start();
  const std::vector<Got> waiting = tail.read(1 << 20);
  REQUIRE(waiting.size() == 1'000);
  tail.append("access.log", numbered(1'000, 200'000));
  const std::uint64_t size = std::filesystem::file_size(tail.logs("access.log"));
  for (int i = 0; i < 5; ++i) {
    tail.clock.at += std::chrono::seconds(2);
    tail.source->watch(tail.clock.at);
    tail.source->checkpoint();
  }
  const std::uint64_t dropped = tail.counters.lost_bytes.value();
  CHECK(dropped > size - (9 << 20));
  CHECK(dropped < size - (7 << 20));
  CHECK(tail.counters.lag_bytes.value() < (9 << 20));
  CHECK(allocated(tail.logs("access.log")) < (10 << 20));
  SUBCASE("also over a restart") {
    tail.kill();
    tail.start();
    for (int i = 0; i < 3; ++i) {
      tail.clock.at += std::chrono::seconds(2);
      tail.source->watch(tail.clock.at);
    }
    CHECK(tail.counters.lost_bytes.value() == dropped);
    std::size_t due = 0;
    for (const Got& got : tail.read(1 << 20)) due += got.chunk->settled(got.line, 0) ? 0 : 1;
    CHECK(due > 1'000);
    CHECK(due < 100'000);
  }
  Follower::settle(waiting);
}

TEST_CASE("beyond max_backlog the oldest lines are dropped and counted") {
  Follower tail({.max_backlog = 1 << 20, .drop_backlog = true});
  tail.append("access.log", numbered(0, 50'000));
  const std::uint64_t size = std::filesystem::file_size(tail.logs("access.log"));
  tail.start();
  tail.source->watch(tail.clock.at);
  tail.clock.at += std::chrono::seconds(2);
  tail.source->watch(tail.clock.at);
  const std::vector<Got> got = tail.read(1 << 20);
  REQUIRE_FALSE(got.empty());
  CHECK(got.back().text.starts_with("49999"));
  CHECK(got.front().text.ends_with("x"));
  CHECK(got.size() < 12'000);
  CHECK(tail.counters.lost_bytes.value() + got.size() * 106 > size - 20'000);
  Follower::settle(got);
  tail.source->checkpoint();
  tail.kill();
  tail.append("access.log", "more\n");
  tail.start();
  CHECK(tail.texts() == Texts{"more"});
}

}  // namespace
}  // namespace tailgate::sources::testing
