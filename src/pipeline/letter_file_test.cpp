// SPDX-License-Identifier: Apache-2.0
#include "pipeline/letter_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/dead_letter.h"

namespace tailgate::pipeline {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "letters-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  [[nodiscard]] std::string texts() const {
    std::string all;
    for (const std::string& file : files()) {
      std::ifstream in(file);
      all.append(std::istreambuf_iterator<char>(in), {});
    }
    return all;
  }
  [[nodiscard]] DeadLetters letters(DeadLetters::Limits limits) const {
    return DeadLetters::in_folder(path, limits, clock, Log());
  }

  SystemClock clock;
  std::string path;
};

// What a `dead` command does to a file.
struct Holder {
  explicit Holder(const std::string& file) : fd(::open(file.c_str(), O_RDONLY)) {
    REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  }
  ~Holder() { ::close(fd); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  int fd;
};

Result<void> commit(DeadLetters& letters, std::string lines) {
  return letters.commit(lines);
}

TEST_CASE("while a dead command has the file that was written, letters go to another") {
  const Folder folder;
  DeadLetters letters = folder.letters({});
  REQUIRE(commit(letters, "1\n").has_value());
  const Holder holder(folder.files().front());
  CHECK(commit(letters, "2\n").has_value());
  CHECK(commit(letters, "3\n").has_value());
  CHECK(folder.files().size() == 2);
}

TEST_CASE("a file that a dead command removed or rewrote is not written to any more") {
  const Folder folder;
  DeadLetters letters = folder.letters({});
  REQUIRE(commit(letters, "1\n").has_value());
  fs::remove(folder.files().front());
  CHECK(commit(letters, "2\n").has_value());
  CHECK(folder.texts() == "2\n");
  CHECK(letters.bytes() == 2);
}

TEST_CASE("full dead letters block until somebody makes room, the file in use included") {
  const Folder folder;
  DeadLetters letters = folder.letters({.max_bytes = 10});
  REQUIRE(commit(letters, "12345678\n").has_value());
  const auto full = commit(letters, "2\n");
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().what.find("dead purge") != std::string::npos);
  fs::remove(folder.files().front());
  CHECK(commit(letters, "2\n").has_value());
  CHECK(folder.texts() == "2\n");
}

TEST_CASE("drop_oldest keeps within max_bytes however small it is") {
  const Folder folder;
  DeadLetters letters = folder.letters({.max_bytes = 64, .block_when_full = false});
  for (int i = 100; i < 200; ++i) REQUIRE(commit(letters, std::to_string(i) + "\n").has_value());
  CHECK(letters.bytes() <= 64);
  CHECK(folder.texts().find("199\n") != std::string::npos);
  CHECK(folder.texts().find("100\n") == std::string::npos);
}

std::string numbered(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += std::to_string(100 + i) + "\n";
  return lines;
}

TEST_CASE("more letters at once than there is room for: what has room is kept, the rest waits") {
  const Folder folder;
  DeadLetters letters = folder.letters({.max_bytes = 64});
  std::string lines = numbered(20);
  CHECK_FALSE(letters.commit(lines).has_value());
  CHECK(lines == numbered(20).substr(64));
  CHECK(letters.bytes() == 64);
  for (const std::string& file : folder.files()) fs::remove(file);
  CHECK(letters.commit(lines).has_value());
  CHECK(lines.empty());
  CHECK(folder.texts() == numbered(20).substr(64));
}

TEST_CASE("more letters at once than there is room for: with drop_oldest the last are kept") {
  const Folder folder;
  DeadLetters letters = folder.letters({.max_bytes = 64, .block_when_full = false});
  CHECK(commit(letters, numbered(500)).has_value());
  CHECK(letters.bytes() <= 64);
  CHECK(folder.texts().find("599\n") != std::string::npos);
  CHECK(folder.texts().find("100\n") == std::string::npos);
}

TEST_CASE("a letter larger than max_bytes is kept as soon as it is alone") {
  const Folder folder;
  const std::string large = std::string(100, 'x') + "\n";
  DeadLetters dropping = folder.letters({.max_bytes = 64, .block_when_full = false});
  CHECK(commit(dropping, "1\n" + large).has_value());
  CHECK(folder.texts() == large);
  const Folder other;
  DeadLetters blocking = other.letters({.max_bytes = 64});
  CHECK(commit(blocking, large).has_value());
  CHECK_FALSE(commit(blocking, "1\n").has_value());
}

TEST_CASE("letters over age go, the others stay") {
  const Folder folder;
  std::ofstream(folder.path + "/old.ndjson") << "1\n";
  std::ofstream(folder.path + "/young.ndjson") << "2\n";
  fs::last_write_time(folder.path + "/old.ndjson",
                      fs::file_time_type::clock::now() - std::chrono::hours(48));
  folder.letters({.max_age = Millis(86'400'000)}).sweep();
  CHECK(folder.texts() == "2\n");
}

TEST_CASE("a file for letters that cannot be made is known at the start") {
  const SystemClock clock;
  CHECK_FALSE(DeadLetters::in_file("/nonexistent/dead", clock, Log()).prepare().has_value());
}

}  // namespace
}  // namespace tailgate::pipeline
