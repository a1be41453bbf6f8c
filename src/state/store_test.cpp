// SPDX-License-Identifier: Apache-2.0
#include "state/store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace tailgate::state {
namespace {

struct TempDir {
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "tailgate-store-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

std::unique_ptr<Store> open_in(const std::string& directory) {
  auto store = Store::open({.directory = directory});
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().what));
  return std::move(*store);
}

Checkpoint sample(const std::string& path) {
  Checkpoint record;
  record.gen = Uuid::random();
  record.source = "access_log";
  record.path = path;
  record.device = 0xfffffffffffffff0;
  record.inode = 42;
  record.size = 9000;
  record.fingerprint = {700, 700, std::string("\0\1head", 6), 256, "tail"};
  record.positions = {{"gateway", {700, {{800, 900}, {1000, 1100}}}}, {"stream", {8000, {}}}};
  return record;
}

TEST_CASE("a checkpoint comes back as it was saved, after the process ended") {
  const TempDir dir;
  const Checkpoint first = sample("/var/log/a");
  Checkpoint second = sample("/var/log/b");
  second.orphaned = true;
  {
    auto store = open_in(dir.path);
    const Checkpoint both[] = {first, second};
    REQUIRE(store->save(both));
  }
  auto store = open_in(dir.path);
  CHECK(*store->load("access_log") == std::vector<Checkpoint>{first, second});
  CHECK(store->load("another")->empty());
}

TEST_CASE("saving again replaces positions, and forgetting removes them") {
  const TempDir dir;
  auto store = open_in(dir.path);
  Checkpoint record = sample("/var/log/a");
  REQUIRE(store->save({&record, 1}));
  record.positions = {{"gateway", {1200, {}}}};
  record.path = "/var/log/a.1";
  REQUIRE(store->save({&record, 1}));
  CHECK(*store->load("access_log") == std::vector<Checkpoint>{record});
  REQUIRE(store->save({}, {&record.gen, 1}));
  CHECK(store->load("access_log")->empty());
}

TEST_CASE("totals hold what became of every line, also of generations that are forgotten") {
  const TempDir dir;
  const Tally some{1, 0, 0, 0, 300, 2};
  Checkpoint first = sample("/var/log/a");
  first.positions = {{"gateway", {.offset = 10, .tally = some}}};
  Checkpoint second = sample("/var/log/b");
  second.source = first.source;
  second.positions = {{"gateway", {.offset = 20, .tally = some}}};
  {
    auto store = open_in(dir.path);
    REQUIRE(store->save(std::vector{first, second}));
    REQUIRE(store->save({}, std::vector{first.gen}));
    CHECK(store->totals(first.source)->at("gateway") == Tally{2, 0, 0, 0, 600, 4});
  }
  auto store = open_in(dir.path);
  REQUIRE(store->save({}, std::vector{second.gen}));
  CHECK(store->totals(first.source)->at("gateway") == Tally{2, 0, 0, 0, 600, 4});
  CHECK(store->totals("other")->empty());
}

TEST_CASE("a second process is refused, and told who holds the directory") {
  const TempDir dir;
  auto store = open_in(dir.path);
  auto second = Store::open({.directory = dir.path});
  REQUIRE_FALSE(second);
  CHECK(second.error().what.find("process " + std::to_string(getpid())) != std::string::npos);
  store.reset();
  CHECK(Store::open({.directory = dir.path}).has_value());
}

TEST_CASE("a database of a newer version is refused") {
  const TempDir dir;
  open_in(dir.path).reset();
  {
    auto database = Database::open({.path = dir.path + "/state.db"});
    REQUIRE(database);
    REQUIRE(database->run("PRAGMA user_version=99"));
  }
  auto store = Store::open({.directory = dir.path});
  REQUIRE_FALSE(store);
  CHECK(store.error().what.find("newer version (schema 99") != std::string::npos);
}

TEST_CASE("a file that is no database is refused and left alone") {
  const TempDir dir;
  const std::string path = dir.path + "/state.db";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string junk(8192, 'x');
  REQUIRE(write(fd, junk.data(), junk.size()) == static_cast<ssize_t>(junk.size()));
  close(fd);
  auto store = Store::open({.directory = dir.path});
  REQUIRE_FALSE(store);
  CHECK(store.error().what.find("move it away") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == junk.size());
}

TEST_CASE("a missing directory is made for this user alone") {
  const TempDir dir;
  open_in(dir.path + "/var/lib").reset();
  struct stat found {};
  REQUIRE(stat((dir.path + "/var/lib").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  REQUIRE(stat((dir.path + "/var/lib/state.db").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("ranges are run-length encoded and come back") {
  const SinkPosition position{1000, {{1200, 1300}, {5000, 1ULL << 40}}};
  CHECK(decode_ranges(1000, encode_ranges(position)) == position);
  CHECK(encode_ranges({7, {}}).empty());
}

TEST_CASE("ranges beyond the limit are left out, never cut in the middle") {
  SinkPosition position{0, {}};
  for (std::uint64_t i = 1; i <= 5000; ++i) position.above.emplace_back(i * 300, i * 300 + 100);
  const std::string bytes = encode_ranges(position);
  CHECK(bytes.size() <= kMaxRangeBytes);
  const SinkPosition back = decode_ranges(0, bytes);
  REQUIRE(back.above.size() > 1000);
  position.above.resize(back.above.size());
  CHECK(back == position);
}

}  // namespace
}  // namespace tailgate::state
