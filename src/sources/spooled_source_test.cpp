// SPDX-License-Identifier: Apache-2.0
#include "sources/spooled_source.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "sources/source_fixture.h"

namespace tailgate::sources {
namespace {

using testing::Got;
using testing::TempDir;
using testing::Texts;

/// A pipe, and a process that reads its lines through a spool: started and killed at will. Time is the real one: a thread
/// waits on it.
struct Piped {
  explicit Piped(std::vector<std::string> to = {"gateway"}) : sinks(std::move(to)) { new_pipe(); }
  ~Piped() {
    kill();
    close(reads);
    close(writes);
  }
  Piped(const Piped&) = delete;
  Piped& operator=(const Piped&) = delete;

  void new_pipe() {
    if (reads >= 0) close(reads);
    if (writes >= 0) close(writes);
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    reads = ends[0];
    writes = ends[1];
  }
  void write(const std::string& text) const {
    REQUIRE(::write(writes, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end_input() {
    close(writes);
    writes = open("/dev/null", O_WRONLY | O_CLOEXEC);
  }
  void start(const std::string& name = "input") {
    auto opened_store = state::Store::open({.directory = dir.path});
    REQUIRE(opened_store);
    store = std::move(*opened_store);
    auto opened = state::Spool::open(dir.path, Bytes{16} << 20, clock);
    REQUIRE(opened);
    SourceContext context;
    context.name = name;
    context.clock = &clock;
    context.store = store.get();
    context.sinks = sinks;
    context.counters = &counters;
    context.data_dir = dir.path;
    source = std::make_unique<SpooledSource>(reads, 1 << 20, rules, std::move(*opened), context);
  }
  /// Ends without another checkpoint; what was read is in the spool, or the thread would not have handed it on.
  void kill() {
    source.reset();
    store.reset();
  }
  /// Lines until `count` came, or nothing more does for a while.
  std::vector<Got> read(std::size_t count) const {
    std::vector<Got> got;
    const Tick until = clock.now() + Millis{count == 0 ? 200 : 5000};
    while (got.size() < std::max<std::size_t>(count, 1) && clock.now() < until) {
      std::optional<Lines> lines;
      if (source->watch(clock.now()).ready) lines = source->read(64 << 10);
      if (!lines) {
        std::this_thread::sleep_for(Millis{2});
        continue;
      }
      for (std::uint32_t i = 0; i < lines->chunk->lines(); ++i) {
        const Stream& stream = lines->chunk->stream();
        got.push_back({std::string(lines->lines[i].text), stream.path(), lines->chunk->offset(i),
                       stream.gen(), lines->chunk, i});
      }
    }
    return got;
  }
  static Texts texts(const std::vector<Got>& got) { return testing::Follower::texts(got); }
  static void settle(const std::vector<Got>& got) { testing::Follower::settle(got); }
  /// The one segment that a process left, for damage.
  [[nodiscard]] std::string segment() const {
    for (const auto& entry : std::filesystem::directory_iterator(dir.path + "/spool"))
      return entry.path();
    return {};
  }
  [[nodiscard]] std::string content() const {
    std::ifstream in(segment(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void change(const std::string& from, const std::string& to) const {
    std::string bytes = content();
    bytes.replace(bytes.find(from), from.size(), to);
    std::ofstream(segment(), std::ios::binary | std::ios::trunc) << bytes;
  }
  /// Until the spool holds nothing of what is settled.
  void wait_released() const {
    const Tick until = clock.now() + Millis{5000};
    while (clock.now() < until) {
      source->checkpoint();
      if (source->status().lag_bytes == 0) return;
      std::this_thread::sleep_for(Millis{5});
    }
    FAIL("not settled in time");
  }

  SystemClock clock;
  TempDir dir;
  std::vector<std::string> sinks;
  SpoolRules rules{Bytes{16} << 20, SpoolRules::WhenFull::block};
  metrics::SourceCounters counters;
  std::unique_ptr<state::Store> store;
  std::unique_ptr<SpooledSource> source;
  int reads = -1;
  int writes = -1;
};

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
  p.write("one\ntw");
  Piped::settle(p.read(1));
  std::this_thread::sleep_for(Millis{100});
  p.source->checkpoint();
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

TEST_CASE("a damaged row is set aside and counted, and what is around it arrives") {
  Piped p;
  p.start();
  for (const char* line : {"one\n", "two\n", "three\n"}) {
    p.write(line);
    CHECK(p.read(1).size() == 1);
  }
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
  for (const char* line : {"one\n", "two\n", "three\n"}) {
    p.write(line);
    CHECK(p.read(1).size() == 1);
  }
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
  for (const char* line : {"one\n", "two\n", "three\n"}) {
    p.write(line);
    CHECK(p.read(1).size() == 1);
  }
  p.kill();
  std::string bytes = p.content();
  bytes.erase(bytes.find("two\n") - 64, 64 + 4);
  std::ofstream(p.segment(), std::ios::binary | std::ios::trunc) << bytes;
  p.new_pipe();
  p.start();
  CHECK(Piped::texts(p.read(2)) == Texts{"one", "three"});
  CHECK(p.counters.lost_bytes.value() == 4);
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
