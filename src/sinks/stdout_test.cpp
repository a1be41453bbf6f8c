// SPDX-License-Identifier: Apache-2.0
#include "sinks/stdout.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <vector>

#include "sinks/test_batch.h"

namespace tailgate::sinks {
namespace {

using Kind = Outcome::Kind;

struct Ends {
  int read = -1;
  int write = -1;
  explicit Ends(bool socket) {
    int fds[2];
    REQUIRE((socket ? ::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : ::pipe(fds)) == 0);
    read = fds[0];
    write = fds[1];
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    close_reader();
    ::close(write);
  }
  void close_reader() {
    if (read >= 0) ::close(read);
    read = -1;
  }
  std::string take(std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t got = 0;
    while (got < bytes) {
      const ssize_t n = ::read(read, text.data() + got, bytes - got);
      REQUIRE(n > 0);
      got += static_cast<std::size_t>(n);
    }
    return text;
  }
};

std::future<Outcome> send(Sink& sink, const TestBatch& batch) {
  auto promise = std::make_shared<std::promise<Outcome>>();
  sink.send(batch.get(), [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
  return promise->get_future();
}

TestBatch::Items lines(std::size_t bytes) {
  return {{"", "\"" + std::string(bytes - 3, 'x') + "\""}};
}

TEST_CASE("what fits goes out at once") {
  for (const bool socket : {false, true}) {
    const Ends ends(socket);
    StdoutSink sink(ends.write);
    const TestBatch batch(lines(100), Framing{});
    CHECK(send(sink, batch).get().kind == Kind::answered);
    CHECK(ends.take(100).ends_with("x\"\n"));
  }
}

TEST_CASE("more than a pipe holds goes out in order while the reader reads") {
  for (const bool socket : {false, true}) {
    const Ends ends(socket);
    StdoutSink sink(ends.write);
    const TestBatch big(lines(1'000'000), Framing{});
    const TestBatch small(TestBatch::Items{{"", "{}"}}, Framing{});
    std::future<Outcome> first = send(sink, big);
    std::future<Outcome> second = send(sink, small);
    std::future<Outcome> third = send(sink, big);
    const std::string all = ends.take(2'000'003);
    CHECK(first.get().kind == Kind::answered);
    CHECK(second.get().kind == Kind::answered);
    CHECK(third.get().kind == Kind::answered);
    CHECK(all.substr(999'998, 5) == "\"\n{}\n");
    CHECK(all.ends_with("x\"\n"));
    sink.stop(std::chrono::steady_clock::now());
  }
}

TEST_CASE("stop does not wait for a reader that does not read") {
  const Ends ends(false);
  StdoutSink sink(ends.write);
  const TestBatch big(lines(1'000'000), Framing{});
  std::future<Outcome> first = send(sink, big);
  std::future<Outcome> second = send(sink, big);
  sink.stop(std::chrono::steady_clock::now());
  CHECK(first.get().kind == Kind::unknown);
  CHECK(second.get().kind == Kind::unknown);
}

TEST_CASE("a reader that is gone closes the sink") {
  auto* const handler = std::signal(SIGPIPE, SIG_IGN);
  for (const std::size_t bytes : {100U, 1'000'000U}) {
    for (const bool socket : {false, true}) {
      Ends ends(socket);
      StdoutSink sink(ends.write);
      const TestBatch batch(lines(bytes), Framing{});
      if (bytes == 100) ends.close_reader();
      std::future<Outcome> outcome = send(sink, batch);
      ends.close_reader();  // the big one is being written
      const Outcome got = outcome.get();
      CHECK(got.kind == Kind::closed);
      CHECK(got.reason == "stdout was closed by its reader");
    }
  }
  std::signal(SIGPIPE, handler);
}

TEST_CASE("a full disk behind stdout is trouble, not the end") {
  const int fd = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  StdoutSink sink(fd);
  const TestBatch batch(lines(100), Framing{});
  const Outcome outcome = send(sink, batch).get();
  CHECK(outcome.kind == Kind::endpoint_trouble);
  CHECK(outcome.reason == "cannot write to stdout: No space left on device");
  ::close(fd);
}

}  // namespace
}  // namespace tailgate::sinks
