// SPDX-License-Identifier: Apache-2.0
// Logs that are copied and truncated between two looks, before anything of them was read.
#include <thread>

#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Follower;
using testing::Texts;

TEST_CASE("a copy of a file of which nothing was settled comes before what the file holds now") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.kill();
  tail.copy("access.log", "access.log.1");
  tail.truncate("access.log");
  std::this_thread::sleep_for(Millis(20));
  tail.append("access.log", "two\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one", "two"});
}

TEST_CASE("a copy of what nobody saw in a log comes before what the log holds now") {
  for (const bool found_empty : {false, true}) {
    CAPTURE(found_empty);
    Follower tail;
    tail.append("access.log", "");
    tail.start();
    tail.look();
    if (found_empty) {
      tail.append("access.log.1", "");
      tail.look();
    }
    tail.append("access.log.1", "one\ntwo\n");
    tail.append("access.log", "three\n");
    CHECK(tail.texts() == Texts{"one", "two", "three"});
  }
}

TEST_CASE("a copy that is still empty when the log is read is waited for") {
  Follower tail;
  tail.append("access.log", "");
  tail.start();
  tail.look();
  tail.append("access.log.1", "");
  tail.append("access.log", "three\n");  // what was in it before is not in the copy yet
  Texts got = tail.texts();
  tail.append("access.log.1", "one\ntwo\n");
  for (const std::string& text : tail.texts()) got.push_back(text);
  CHECK(got == Texts{"one", "two", "three"});
  SUBCASE("but not for ever") {
    tail.append("access.log.2", "");
    tail.truncate("access.log");
    tail.append("access.log", "four\n");
    CHECK(tail.texts().empty());
    tail.look();
    CHECK(tail.texts() == Texts{"four"});
  }
}

TEST_CASE("two truncations between two looks keep the order of what the copies hold") {
  Follower tail;
  tail.append("access.log", "one\n");
  tail.start();
  CHECK(tail.texts() == Texts{"one"});
  tail.append("access.log", "two\n");
  tail.copy("access.log", "access.log.1");
  tail.truncate("access.log");
  tail.append("access.log", "three\n");
  std::this_thread::sleep_for(Millis(20));
  tail.copy("access.log", "access.log.2");
  tail.truncate("access.log");
  tail.append("access.log", "four\n");
  CHECK(tail.texts() == Texts{"two", "three", "four"});
}

TEST_CASE("a copy is known as one though nobody had looked at the log since it was empty") {
  Follower tail;
  tail.append("access.log", "");
  tail.start();
  tail.look();
  tail.append("access.log", "one\ntwo\n");
  tail.copy("access.log", "access.log.1");
  SUBCASE("and the log is truncated before anything is read") {
    tail.look();
    tail.truncate("access.log");
    tail.append("access.log", "three\n");
    CHECK(tail.texts() == Texts{"one", "two", "three"});
  }
  SUBCASE("and the log is truncated between the look and the first read") {
    tail.look();
    tail.truncate("access.log");
    tail.append("access.log", "three\n");
    Texts got;
    if (const auto lines = tail.source->read(4096)) {
      for (const Line& line : lines->lines) got.emplace_back(line.text);
    }
    for (const std::string& text : tail.texts()) got.push_back(text);
    CHECK(got == Texts{"one", "two", "three"});
  }
  SUBCASE("and the log is read first") {
    CHECK(tail.texts() == Texts{"one", "two"});
    tail.truncate("access.log");
    tail.append("access.log", "three\n");
    CHECK(tail.texts() == Texts{"three"});
  }
  CHECK(tail.counters.lost_bytes.value() == 0);
}

}  // namespace
}  // namespace tailgate::sources
