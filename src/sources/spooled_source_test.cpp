// SPDX-License-Identifier: Apache-2.0
#include "sources/spooled_source.h"

#include "sources/spooled_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Got;
using testing::Piped;
using testing::Texts;

TEST_CASE("lines come out of the spool within 50 ms, though their writer goes on") {
  Piped p;
  p.start();
  p.write("one\ntwo\nthr");
  const Tick begin = p.clock.now();
  const auto got = p.read(2);
  CHECK(Piped::texts(got) == Texts{"one", "two"});
  CHECK(p.clock.now() - begin < Millis{500});  // a busy machine may be slow
  CHECK(got[1].offset == 4);
  p.write("ee\n");
  CHECK(Piped::texts(p.read(1)) == Texts{"three"});
}

TEST_CASE("what was not settled comes again after a restart, with its generation and offset") {
  Piped p;
  p.start();
  p.write("one\ntwo\nthree\n");
  const auto first = p.read(3);
  Piped::settle({first[0]});
  p.source->checkpoint();
  p.kill();
  p.new_pipe();
  p.start();
  p.write("four\n");
  const auto again = p.read(3);
  CHECK(Piped::texts(again) == Texts{"two", "three", "four"});
  CHECK(again[0].gen == first[1].gen);
  CHECK(again[0].offset == first[1].offset);
  CHECK(again[2].gen != first[1].gen);
  Piped::settle(again);
  p.wait_released();
}

TEST_CASE("a line that is cut by a restart goes on when the pipe is the same") {
  Piped p;
  p.start();
  p.stand_in_a_line();
  p.kill();
  p.start();
  p.write("o\nthree\n");
  const auto got = p.read(2);
  CHECK(Piped::texts(got) == Texts{"two", "three"});
  CHECK(got[0].offset == 4);
}

TEST_CASE(
    "the last line of another pipe is a line of its own, and so is one at the end of the input") {
  Piped p;
  p.start();
  p.write("one\ntw");
  Piped::settle(p.read(1));
  std::this_thread::sleep_for(Millis{100});
  p.kill();
  p.new_pipe();
  p.start();
  CHECK(Piped::texts(p.read(2)) == Texts{"one", "tw"});
  p.write("o\nthree");
  p.end_input();
  CHECK(Piped::texts(p.read(2)) == Texts{"o", "three"});
  CHECK(p.source->finished());
}

TEST_CASE("an input that is settled leaves the spool and the state, and its tallies stay") {
  Piped p;
  p.start();
  p.write("one\ntwo\n\n");
  p.end_input();
  Piped::settle(p.read(2));
  CHECK(p.read(0).empty());
  CHECK(p.source->finished());
  const Tick until = p.clock.now() + Millis{5000};
  while (!p.store->load("input")->empty() || p.source->status().settled.empty()) {
    REQUIRE(p.clock.now() < until);
    p.source->checkpoint();
    std::this_thread::sleep_for(Millis{20});
  }
  p.source->checkpoint();
  CHECK(p.source->status().settled.at("gateway")[0] == 2);
  CHECK(p.source->status().files.empty());
}

TEST_CASE("a sink that is new gets what waits, one that is known what it has not settled") {
  Piped p({"a"});
  p.start();
  p.write("one\ntwo\n");
  auto got = p.read(2);
  Piped::settle({got[1]});
  p.source->checkpoint();
  p.kill();
  p.sinks = {"a", "b"};
  p.start("renamed");
  got = p.read(2);
  REQUIRE(Piped::texts(got) == Texts{"one", "two"});
  CHECK_FALSE(got[0].chunk->settled(0, 0));
  CHECK(got[1].chunk->settled(1, 0));
  CHECK_FALSE(got[1].chunk->settled(1, 1));
}

TEST_CASE("a full spool lets the writer wait, and goes on when something is settled") {
  Piped p;
  p.start();
  constexpr std::size_t kLines = 40;  // of 1 MB: more than the spool and its queue hold
  const std::string line = std::string(999'999, 'x') + "\n";
  std::thread writer([&] {
    for (std::size_t i = 0; i < kLines; ++i) {
      for (std::size_t at = 0; at < line.size();) {
        const ssize_t wrote = ::write(p.writes, line.data() + at, line.size() - at);
        if (wrote > 0) at += static_cast<std::size_t>(wrote);
      }
    }
  });
  std::this_thread::sleep_for(Millis{500});
  std::size_t lines = 0;
  while (lines < kLines) {
    const auto got = p.read(1);
    REQUIRE_FALSE(got.empty());
    lines += got.size();
    Piped::settle(got);
    p.source->checkpoint();
  }
  writer.join();
  CHECK(lines == kLines);
  CHECK(p.counters.filtered_spool_full.value() == 0);
}

void fill(const Piped& p, std::size_t lines) {
  for (std::size_t i = 0; i < lines; ++i) {
    const std::string line = std::to_string(i) + " " + std::string(99'990, 'x') + "\n";
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t wrote = ::write(p.writes, line.data() + at, line.size() - at);
      if (wrote > 0) at += static_cast<std::size_t>(wrote);
    }
  }
}

std::vector<int> numbers(const std::vector<Got>& got) {
  std::vector<int> found;
  for (const Got& one : got) found.push_back(std::stoi(one.text));
  return found;
}

TEST_CASE("drop_newest keeps the oldest lines and counts the others; nothing is torn") {
  Piped p;
  p.rules.when_full = SpoolRules::WhenFull::drop_newest;
  p.start();
  fill(p, 400);
  std::this_thread::sleep_for(Millis{500});
  p.source->checkpoint();
  const std::uint64_t dropped = p.counters.filtered_spool_full.value();
  CHECK(dropped > 200);
  CHECK(p.counters.read_lines.value() == dropped);
  std::vector<Got> got;
  while (got.size() < 400 - dropped) {
    auto more = p.read(1);
    REQUIRE_FALSE(more.empty());
    Piped::settle(more);
    got.insert(got.end(), more.begin(), more.end());
    p.source->checkpoint();
  }
  const std::vector<int> found = numbers(got);
  for (int i = 0; i < 100; ++i) CHECK(found[static_cast<std::size_t>(i)] == i);
  CHECK(std::is_sorted(found.begin(), found.end()));
  CHECK(p.source->status().settled.at("gateway")[0] == 400);
}

TEST_CASE("drop_oldest keeps the newest lines and counts the others; nothing is torn") {
  Piped p;
  p.rules.when_full = SpoolRules::WhenFull::drop_oldest;
  p.start();
  fill(p, 400);
  std::this_thread::sleep_for(Millis{500});
  p.source->checkpoint();
  const std::uint64_t dropped = p.counters.filtered_spool_full.value();
  CHECK(dropped > 200);
  std::vector<Got> got;
  while (got.size() < 400 - dropped) {
    auto more = p.read(1);
    REQUIRE_FALSE(more.empty());
    Piped::settle(more);
    got.insert(got.end(), more.begin(), more.end());
    p.source->checkpoint();
  }
  const std::vector<int> found = numbers(got);
  CHECK(found.front() == 0);  // it was on its way
  CHECK(found.back() == 399);
  CHECK(found[found.size() - 50] == 350);
  CHECK(std::is_sorted(found.begin(), found.end()));
  p.wait_released();
}

TEST_CASE("gz is inflated before it is spooled, and a reload is refused in its middle") {
  Piped p;
  p.start();
  const std::string path = p.dir.path + "/lines";
  std::ofstream(path) << "one\ntwo\n";
  REQUIRE(std::system(("gzip -k " + path).c_str()) == 0);
  std::ifstream file(path + ".gz", std::ios::binary);
  const std::string zipped((std::istreambuf_iterator<char>(file)), {});
  CHECK(p.source->rereadable());
  p.write(zipped.substr(0, 12));
  std::this_thread::sleep_for(Millis{100});
  CHECK_FALSE(p.source->rereadable());
  p.write(zipped.substr(12));
  p.end_input();
  CHECK(Piped::texts(p.read(2)) == Texts{"one", "two"});
  CHECK(p.source->rereadable());
}

}  // namespace
}  // namespace tailgate::sources
