// SPDX-License-Identifier: Apache-2.0
// What the tests of stdin through the spool share.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sources/source_fixture.h"
#include "sources/spooled_source.h"

namespace tailgate::sources::testing {

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
  /// Lines that are kept, and handed on, each in a row of its own.
  void keep(std::initializer_list<const char*> lines) const {
    for (const char* line : lines) {
      write(line);
      CHECK(read(1).size() == 1);
    }
  }
  /// "one" is settled and saved, and "tw" is kept of the line behind it.
  void stand_in_a_line() const {
    write("one\ntw");
    settle(read(1));
    std::this_thread::sleep_for(Millis{100});
    source->checkpoint();
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
  /// Ends as kill -9 does: what a stop writes is not there.
  void die() {
    namespace fs = std::filesystem;
    fs::copy(dir.path + "/spool", dir.path + "/before");
    kill();
    fs::remove_all(dir.path + "/spool");
    fs::rename(dir.path + "/before", dir.path + "/spool");
  }
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

}  // namespace tailgate::sources::testing
