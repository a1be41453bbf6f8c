// SPDX-License-Identifier: Apache-2.0
// What the tests of the spool share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "state/spool.h"

namespace tailgate::state::testing {

struct TempDir {
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "tailgate-spool-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string path;
};

inline constexpr Bytes kMaxBytes = Bytes{16} << 20;

/// A spool with one input at a time, closed and opened again at will.
struct Fixture {
  Fixture() { open(); }

  Spool::Opened open(Bytes max_bytes = kMaxBytes) {
    spool.reset();
    auto opened = Spool::open(dir.path, max_bytes, clock);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().what));
    spool = std::move(opened->spool);
    return std::move(*opened);
  }
  void begin_input() {
    input = {};
    input.id = ++inputs;
    input.gen = Uuid::random();
    input.source = "input";
    input.identity = "a pipe";
  }
  Result<void> append(const std::string& bytes, std::uint64_t lines = 1) {
    SpoolRow row;
    row.id = spool->last_row() + 1;
    row.input = input.id;
    row.gen = input.gen;
    row.offset = input.end;
    row.lines = lines;
    row.read_at = WallTime{Millis{1'700'000'000'123}};
    row.bytes = bytes;
    auto done = spool->append(input, row);
    if (done) input.end += bytes.size();
    return done;
  }
  /// The bytes of all rows after `id`; damaged ones are <damaged>.
  std::vector<std::string> rows(std::int64_t id = 0) const {
    std::vector<std::string> all;
    for (;;) {
      auto row = spool->next(id);
      REQUIRE_MESSAGE(row.has_value(), (row ? "" : row.error().what));
      if (!*row) return all;
      all.push_back((*row)->damaged ? "<damaged>" : (*row)->bytes);
      id = (*row)->id;
    }
  }
  /// The segments, in their order.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path + "/spool"))
      paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  [[nodiscard]] std::string content(std::size_t file = 0) const {
    std::ifstream in(files().at(file), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes, std::size_t file = 0) const {
    std::ofstream(files().at(file), std::ios::binary | std::ios::trunc) << bytes;
  }
  /// Flips a bit of what stands `at` bytes from where `what` begins.
  void flip(const std::string& what, std::ptrdiff_t at = 0) const {
    std::string bytes = content();
    REQUIRE(bytes.find(what) != std::string::npos);
    bytes[bytes.find(what) + static_cast<std::size_t>(at)] ^= 4;
    write(bytes);
  }

  TempDir dir;
  SystemClock clock;
  std::unique_ptr<Spool> spool;
  SpoolInput input;
  std::int64_t inputs = 0;
};

using Rows = std::vector<std::string>;

}  // namespace tailgate::state::testing
