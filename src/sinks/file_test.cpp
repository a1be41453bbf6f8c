// SPDX-License-Identifier: Apache-2.0
#include "sinks/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sinks/test_batch.h"

namespace tailgate::sinks {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("file-sink-" + Uuid::random().text());
  Folder() { fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
  [[nodiscard]] std::string file(const char* name) const { return (path / name).string(); }
};

std::string content(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Outcome send(Sink& sink, const TestBatch& batch) {
  Outcome got;
  sink.send(batch.get(), [&](Outcome outcome) { got = std::move(outcome); });
  return got;
}

const TestBatch::Items kTwo{{"", R"({"n":1})"}, {"", R"({"n":2})"}};

TEST_CASE("lines are appended, and the file is for its owner and group") {
  const Folder folder;
  const std::string file = folder.file("out");
  const TestBatch batch(kTwo, Framing{});
  {
    FileSink sink(file, true);
    CHECK(send(sink, batch).kind == Outcome::Kind::answered);
  }
  FileSink sink(file, false);
  CHECK(send(sink, batch).kind == Outcome::Kind::answered);
  CHECK(content(file) == "{\"n\":1}\n{\"n\":2}\n{\"n\":1}\n{\"n\":2}\n");
  struct stat about {};
  REQUIRE(::stat(file.c_str(), &about) == 0);
  CHECK((about.st_mode & 0137U) == 0);
}

TEST_CASE("half an event that a killed process left is taken back, other text gets its line end") {
  const Folder folder;
  const std::string file = folder.file("out");
  const TestBatch batch(kTwo, Framing{});
  const std::string whole = "{\"n\":1}\n{\"n\":2}\n";
  const auto after = [&](const std::string& before) {
    std::ofstream(file, std::ios::trunc) << before;
    FileSink sink(file, false);
    CHECK(send(sink, batch).kind == Outcome::Kind::answered);
    return content(file);
  };
  CHECK(after("{\"n\":0}\n{\"n\":\"" + std::string(100'000, 'x')) == "{\"n\":0}\n" + whole);
  CHECK(after("{\"n") == whole);
  CHECK(after("{\"n\":0}") == "{\"n\":0}\n" + whole);
  CHECK(after("a note") == "a note\n" + whole);
  CHECK(after("a note\n") == "a note\n" + whole);
}

TEST_CASE("a file that was rotated away is opened anew") {
  const Folder folder;
  const TestBatch batch(kTwo, Framing{});
  FileSink sink(folder.file("out"), false);
  send(sink, batch);
  fs::rename(folder.file("out"), folder.file("out.1"));
  send(sink, batch);
  fs::remove(folder.file("out"));
  send(sink, batch);
  CHECK(content(folder.file("out.1")) == "{\"n\":1}\n{\"n\":2}\n");
  CHECK(content(folder.file("out")) == "{\"n\":1}\n{\"n\":2}\n");
}

TEST_CASE("a file that cannot be written is the endpoint's trouble") {
  const Folder folder;
  const TestBatch batch(kTwo, Framing{});
  FileSink missing(folder.file("no/such/out"), false);
  const Outcome outcome = send(missing, batch);
  CHECK(outcome.kind == Outcome::Kind::endpoint_trouble);
  CHECK(outcome.reason.ends_with(": No such file or directory"));
  FileSink full("/dev/full", false);
  CHECK(send(full, batch).reason == "cannot write to /dev/full: No space left on device");
}

TEST_CASE("a write that fails half way is taken back, so that no line is torn") {
  const Folder folder;
  const std::string file = folder.file("out");
  const TestBatch batch(kTwo, Framing{});
  FileSink sink(file, false);
  REQUIRE(send(sink, batch).kind == Outcome::Kind::answered);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{20, before.rlim_max};  // the second batch fits in part
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Outcome outcome = send(sink, batch);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(outcome.kind == Outcome::Kind::endpoint_trouble);
  CHECK(content(file) == "{\"n\":1}\n{\"n\":2}\n");
  CHECK(send(sink, batch).kind == Outcome::Kind::answered);
}

}  // namespace
}  // namespace tailgate::sinks
