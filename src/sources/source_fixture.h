// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sources/file_source.h"
#include "sources/fingerprint.h"

template <>
struct doctest::StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : " | ") + text;
    return all.c_str();
  }
};

namespace tailgate::sources::testing {

struct HandClock final : Clock {
  Tick at = Tick{} + std::chrono::hours(1);
  [[nodiscard]] Tick now() const override { return at; }
  [[nodiscard]] WallTime wall() const override { return WallTime{}; }
};

struct TempDir {
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "tailgate-files-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string path;
};

/// A line that was read, with what it takes to settle it.
struct Got {
  std::string text;
  std::string path;
  std::uint64_t offset = 0;
  Uuid gen;
  std::shared_ptr<Chunk> chunk;
  std::uint32_t line = 0;
};

/// A folder of logs, a data directory, and one process that follows the logs: started and killed at will. Time is moved
/// by hand.
class Follower {
 public:
  explicit Follower(FileSettings settings = {}, std::vector<std::string> sinks = {"gateway"},
                    Format format = Format::json)
      : settings_(std::move(settings)), sinks_(std::move(sinks)), format_(format) {
    if (settings_.paths.empty()) settings_.paths = {logs("access.log*")};
  }

  [[nodiscard]] const std::string& folder() const { return dir_.path; }
  [[nodiscard]] std::string logs(const std::string& name) const { return dir_.path + "/" + name; }
  void append(const std::string& name, const std::string& text) const {
    std::ofstream(logs(name), std::ios::app | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(logs(from), logs(to));
  }
  void remove(const std::string& name) const { std::filesystem::remove(logs(name)); }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(logs(from), logs(to));
  }
  void truncate(const std::string& name) const { std::filesystem::resize_file(logs(name), 0); }

  void start(bool once = false) {
    auto opened = state::Store::open({.directory = dir_.path + "/data"});
    REQUIRE(opened.has_value());
    store = std::move(*opened);
    make_source(once);
  }
  void make_source(bool once) {
    SourceContext context;
    context.name = "access_log";
    context.clock = &clock;
    context.store = store.get();
    context.sinks = sinks_;
    context.counters = &counters;
    context.data_dir = dir_.path + "/data";
    context.once = once;
    context.format = format_;
    source = std::make_unique<FileSource>(settings_, context);
  }
  /// Where no inotify instance is to be had: its descriptors are used up.
  void start_without_inotify() {
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    start();
    source.reset();
    const int next = dup(0);
    close(next);
    const rlimit none{static_cast<rlim_t>(next), limit.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    make_source(false);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  /// A second later, it looks at what there is and reads nothing.
  Wakeup look() {
    clock.at += Millis{1100};
    return source->watch(clock.at);
  }
  /// Ends without another checkpoint, as kill -9 does.
  void kill() {
    source.reset();
    store.reset();
  }

  /// A process that read `text` from the log and saved, after it had delivered those of its lines, and was killed.
  std::vector<Got> read_and_die(const std::string& text,
                                std::initializer_list<std::size_t> delivered = {}) {
    append("access.log", text);
    start();
    std::vector<Got> got = read();
    for (const std::size_t line : delivered)
      got[line].chunk->settle_for_all(got[line].line, Settled::delivered);
    source->checkpoint();
    kill();
    return got;
  }

  /// Ends as SIGTERM does.
  void stop() {
    source->stopping(clock.at + std::chrono::seconds(25));
    source->checkpoint();
    source->ends();
    kill();
  }

  /// Everything that can be read now.
  std::vector<Got> read(std::size_t max_bytes = 4096) {
    std::vector<Got> got;
    clock.at += Millis{1100};
    for (int idle = 0; idle < 3;) {
      const bool ready = source->watch(clock.at).ready;
      const auto lines = source->read(max_bytes);
      if (!lines) {
        if (!ready) ++idle;
        continue;
      }
      idle = 0;
      REQUIRE(lines->chunk->lines() == lines->lines.size());
      for (std::uint32_t i = 0; i < lines->chunk->lines(); ++i) {
        const Line& line = lines->lines[i];
        const Stream& stream = lines->chunk->stream();
        std::string text(line.text);
        if (line.problem == Line::Problem::too_long) text = "<too long>";
        if (line.problem == Line::Problem::torn) text.insert(0, "<torn>");
        got.push_back({std::move(text), stream.path(), lines->chunk->offset(i), stream.gen(),
                       lines->chunk, i});
      }
    }
    return got;
  }

  std::vector<std::string> texts(std::size_t max_bytes = 4096) { return texts(read(max_bytes)); }
  static std::vector<std::string> texts(const std::vector<Got>& got) {
    std::vector<std::string> texts;
    for (const Got& one : got) texts.push_back(one.text);
    return texts;
  }
  static void settle(const std::vector<Got>& got) {
    for (const Got& one : got) one.chunk->settle_for_all(one.line, Settled::filtered);
  }
  void read_and_settle() {
    settle(read());
    source->checkpoint();
  }

  HandClock clock;
  metrics::SourceCounters counters;
  std::unique_ptr<state::Store> store;
  std::unique_ptr<FileSource> source;

 private:
  TempDir dir_;
  FileSettings settings_;
  std::vector<std::string> sinks_;
  Format format_;
};

/// Takes root's privileges from this process for a while, and gives `directory` to who is left: nothing is forbidden to
/// root.
struct Unprivileged {
  explicit Unprivileged(const std::string& directory) : was_(geteuid()) {
    if (was_ != 0) return;
    constexpr uid_t kNobody = 65534;
    REQUIRE(chown(directory.c_str(), kNobody, kNobody) == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
      REQUIRE(chown(entry.path().c_str(), kNobody, kNobody) == 0);
    REQUIRE(seteuid(kNobody) == 0);
  }
  ~Unprivileged() {
    if (was_ == 0) (void)seteuid(was_);
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  uid_t was_;
};

using Texts = std::vector<std::string>;

}  // namespace tailgate::sources::testing
