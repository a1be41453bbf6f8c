// SPDX-License-Identifier: Apache-2.0
// The HTTP sinks against a server on a loopback socket.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>

#include "settings/reader.h"
#include "sinks/registry.h"
#include "sinks/test_batch.h"
#include "sinks/test_server.h"
#include "sinks/transports.h"

namespace tailgate::sinks {
namespace {

using Kind = Outcome::Kind;
using Reply = TestServer::Reply;
using std::chrono::seconds;

const SinkEntry& entry(std::string_view type) {
  for (const SinkEntry& one : table()) {
    if (one.type == type) return one;
  }
  throw std::logic_error("no such sink");
}

struct Lane {
  settings::Problems problems;
  SystemClock clock;
  const SinkEntry* type;
  settings::Section section;
  SinkContext context;
  std::unique_ptr<Sink> sink;

  explicit Lane(std::string_view name, const std::string& yaml, Millis timeout = Millis(30000))
      : type(&entry(name)),
        section(settings::read_text(yaml, "test.yaml", settings::process_environment(), problems),
                type->options, problems) {
    context.name = "test";
    context.clock = &clock;
    context.transports = make_transports(clock);
    context.timeout = timeout;
    sink = type->make(section, context);
  }
  std::future<Outcome> send(const TestBatch& batch) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    sink->send(batch.get(), [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
  }
  Outcome outcome(const TestBatch& batch) { return send(batch).get(); }
  std::string probe() { return type->probe(section, context); }
};

const TestBatch::Items kTwo{{"a", R"({"n":1})"}, {"b", R"({"n":2})"}};

TEST_CASE("an array is posted as one body with the headers that were asked for") {
  TestServer server([](const std::string&, int) {
    return TestServer::answer("201 All 2 out of 2 events were accepted.");
  });
  Lane lane("eventgate", "url: " + server.url("/v1/events") + "\nheaders: {x-team: apis}\n" +
                             "auth: {type: basic, user: me, password: secret}\n");
  REQUIRE_MESSAGE(lane.sink, lane.problems.text());
  const TestBatch batch(kTwo);
  const Outcome outcome = lane.outcome(batch);
  CHECK(outcome.kind == Kind::answered);
  CHECK(outcome.answers.empty());
  CHECK(server.seen().starts_with("POST /v1/events HTTP/1.1\r\n"));
  CHECK(server.seen().find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(server.seen().find("x-team: apis\r\n") != std::string::npos);
  CHECK(server.seen().find("Authorization: Basic bWU6c2VjcmV0\r\n") != std::string::npos);
  CHECK(server.seen().find("Expect") == std::string::npos);
  CHECK(
      server.seen().ends_with("\r\n\r\n"
                              R"([{"n":1},{"n":2}])"));
}

TEST_CASE("the http sink speaks NDJSON by PUT and takes any 2xx") {
  TestServer server([](const std::string&, int) { return TestServer::answer("204 No Content"); });
  Lane lane("http", "url: " + server.url() + "\nmethod: PUT\nformat: ndjson\n");
  const TestBatch batch(kTwo, Framing{});
  CHECK(lane.outcome(batch).kind == Kind::answered);
  CHECK(server.seen().starts_with("PUT /in HTTP/1.1\r\n"));
  CHECK(server.seen().find("Content-Type: application/x-ndjson\r\n") != std::string::npos);
  CHECK(server.seen().ends_with("\r\n\r\n{\"n\":1}\n{\"n\":2}\n"));
}

TEST_CASE("a 207 of EventGate is understood by the http sink too, any other is unknown") {
  const std::string body =
      R"({"invalid":[{"status":"invalid","event":{"meta":{"id":"b"}},"context":{"errorsText":"bad"}}]})";
  TestServer server([&](const std::string&, int number) {
    return TestServer::answer("207 Multi-Status", number == 0 ? body : R"({"errors":true})");
  });
  Lane lane("http", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  const Outcome outcome = lane.outcome(batch);
  CHECK(outcome.kind == Kind::answered);
  REQUIRE(outcome.answers.size() == 1);
  CHECK(outcome.answers[0].event == 1);
  CHECK(lane.outcome(batch).kind == Kind::unknown);
}

TEST_CASE("connections are kept and used again") {
  TestServer server([](const std::string&, int) { return TestServer::answer("201 Created"); });
  Lane lane("http", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  for (int i = 0; i < 5; ++i) CHECK(lane.outcome(batch).kind == Kind::answered);
  CHECK(server.connections() == 1);
}

TEST_CASE(
    "a kept connection that the server closes under the request is not the endpoint's trouble") {
  TestServer server([](const std::string&, int number) {
    if (number == 1) return Reply{"", Reply::Then::close};
    return TestServer::answer("201 Created");
  });
  Lane lane("http", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  CHECK(lane.outcome(batch).kind == Kind::answered);
  CHECK(lane.outcome(batch).kind == Kind::answered);
  CHECK(server.connections() == 2);
  CHECK(server.requests() == 3);
}

TEST_CASE("every way in which a connection fails is the endpoint's trouble, with its reason") {
  TestServer server([](const std::string& request, int) {
    if (request.starts_with("POST /reset")) return Reply{"", Reply::Then::reset};
    if (request.starts_with("POST /nothing")) return Reply{"", Reply::Then::close};
    if (request.starts_with("POST /half")) {
      return Reply{"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\nabc", Reply::Then::close};
    }
    if (request.starts_with("POST /garbage")) return Reply{"SSH-2.0-x\r\n\r\n", Reply::Then::close};
    return Reply{};  // silence
  });
  const auto reason = [&](const std::string& url, Millis timeout = seconds(30)) {
    Lane lane("http", "url: " + url + "\n", timeout);
    const TestBatch batch(kTwo);
    const Outcome outcome = lane.outcome(batch);
    CHECK(outcome.kind == Kind::endpoint_trouble);
    CHECK(outcome.reason.starts_with(url + ": "));
    return outcome.reason.substr(url.size() + 2);
  };
  CHECK(reason(server.url("/reset")).starts_with("the connection was lost"));
  CHECK(reason(server.url("/nothing")) == "the connection was closed without an answer");
  CHECK(reason(server.url("/half")) == "the connection was closed in the middle of the answer");
  CHECK(reason(server.url("/silence"), Millis(300)) == "no whole answer within 300ms");
  CHECK_FALSE(reason(server.url("/garbage")).empty());
  CHECK(reason("http://127.0.0.1:1/in") == "cannot connect: Connection refused");
}

TEST_CASE("that there is no descriptor for a connection is said") {
  Lane lane("http", "url: http://127.0.0.1:1/in\n");
  const TestBatch batch(kTwo);
  REQUIRE(lane.outcome(batch).reason.ends_with("cannot connect: Connection refused"));
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int next = dup(0);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Outcome outcome = lane.outcome(batch);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(outcome.kind == Kind::endpoint_trouble);
  CHECK(outcome.reason.ends_with("cannot connect: Too many open files"));
}

TEST_CASE("an answer beyond any bound is cut, and unknown") {
  TestServer server([](const std::string&, int) {
    return TestServer::answer("207 Multi-Status", std::string(2 << 20, ' '));
  });
  Lane lane("eventgate", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  CHECK(lane.outcome(batch).kind == Kind::unknown);
}

TEST_CASE("Retry-After is read as seconds and as a date, and bounded") {
  const std::vector<std::pair<std::string, seconds>> cases{
      {"7", seconds(7)},
      {"100000", seconds(3600)},
      {"Wed, 31 Dec 2098 23:59:59 GMT", seconds(3600)},
      {"Sun, 06 Nov 1994 08:49:37 GMT", seconds(0)},
      {"soon", seconds(0)},
  };
  TestServer server([&](const std::string&, int number) {
    return TestServer::answer(
        "503 Service Unavailable", "",
        "Retry-After: " + cases.at(static_cast<std::size_t>(number)).first + "\r\n");
  });
  Lane lane("http", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  for (const auto& [text, wait] : cases) {
    CAPTURE(text);
    CHECK(lane.outcome(batch).retry_after == wait);
  }
}

TEST_CASE("a redirect is not followed, and the reason says where it points") {
  TestServer server([](const std::string&, int) {
    return TestServer::answer("301 Moved Permanently", "",
                              "Location: https://new.example/in?key=1\r\n");
  });
  Lane lane("http", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  const Outcome outcome = lane.outcome(batch);
  CHECK(outcome.kind == Kind::endpoint_trouble);
  CHECK(outcome.reason.find("(https://new.example/in)") != std::string::npos);
  CHECK(server.requests() == 1);
}

TEST_CASE("bodies are compressed when asked for") {
  TestServer server([](const std::string&, int) { return TestServer::answer("201 Created"); });
  Lane lane("eventgate", "url: " + server.url() + "\ncompression: gzip\n");
  const TestBatch batch({{"a", "{\"text\":\"" + std::string(5000, 'x') + "\"}"}});
  CHECK(lane.outcome(batch).kind == Kind::answered);
  CHECK(server.seen().find("Content-Encoding: gzip\r\n") != std::string::npos);
  CHECK(server.seen().find("\r\n\r\n\x1f\x8b") != std::string::npos);
  CHECK(server.seen().size() < 1000);
}

TEST_CASE("a bearer token is read again when its file changes") {
  const auto file = std::filesystem::temp_directory_path() / ("token-" + Uuid::random().text());
  std::ofstream(file) << "first\n";
  TestServer server([](const std::string&, int) { return TestServer::answer("201 Created"); });
  Lane lane("http",
            "url: " + server.url() + "\nauth: {type: bearer, token_file: " + file.string() + "}\n");
  REQUIRE_MESSAGE(lane.sink, lane.problems.text());
  const TestBatch batch(kTwo);
  lane.outcome(batch);
  CHECK(server.seen().find("Authorization: Bearer first\r\n") != std::string::npos);
  std::filesystem::remove(file);
  lane.outcome(batch);  // a rotation under way
  CHECK(server.seen().find("Authorization: Bearer first\r\n") != std::string::npos);
  std::ofstream(file) << "second";
  lane.outcome(batch);
  CHECK(server.seen().find("Authorization: Bearer second\r\n") != std::string::npos);
  std::filesystem::remove(file);
}

TEST_CASE("stop gives up what is under way at its deadline") {
  TestServer server([](const std::string&, int) { return Reply{}; });
  Lane lane("http", "url: " + server.url() + "\n", seconds(60));
  const TestBatch batch(kTwo);
  std::future<Outcome> first = lane.send(batch);
  std::future<Outcome> second = lane.send(batch);
  lane.sink->stop(lane.clock.now());
  CHECK(first.get().kind == Kind::unknown);
  CHECK(second.get().kind == Kind::unknown);
}

TEST_CASE("a hundred requests are under way at once on the one thread") {
  TestServer server([](const std::string&, int) { return TestServer::answer("201 Created"); });
  Lane lane("http", "url: " + server.url() + "\n");
  const TestBatch batch(kTwo);
  std::vector<std::future<Outcome>> all;
  for (int i = 0; i < 100; ++i) all.push_back(lane.send(batch));
  for (auto& one : all) CHECK(one.get().kind == Kind::answered);
  lane.sink->stop(lane.clock.now() + seconds(5));
}

TEST_CASE("probing EventGate posts no event and tells a wrong path") {
  TestServer server([](const std::string& request, int) {
    if (request.starts_with("POST /v1/events ")) {
      return TestServer::answer("400 Request body was empty. Must provide JSON encoded events.");
    }
    return TestServer::answer("404 Not Found", "<html>", "Content-Type: text/html\r\n");
  });
  CHECK(Lane("eventgate", "url: " + server.url("/v1/events")).probe().empty());
  CHECK(server.seen().ends_with("\r\n\r\n[]"));
  const std::string wrong = Lane("eventgate", "url: " + server.url("/v1/event")).probe();
  CHECK(wrong.find("EventGate takes events at /v1/events") != std::string::npos);
}

TEST_CASE("probing an HTTP server forgives that it does not know OPTIONS") {
  TestServer server([](const std::string& request, int) {
    return TestServer::answer(request.starts_with("OPTIONS /closed") ? "401 Unauthorized"
                                                                     : "405 Method Not Allowed");
  });
  CHECK(Lane("http", "url: " + server.url()).probe().empty());
  const std::string closed = Lane("http", "url: " + server.url("/closed")).probe();
  CHECK(closed.find("check `auth`") != std::string::npos);
  CHECK_FALSE(Lane("http", "url: http://127.0.0.1:1/").probe().empty());
}

}  // namespace
}  // namespace tailgate::sinks
