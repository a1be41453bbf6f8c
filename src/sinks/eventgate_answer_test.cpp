// SPDX-License-Identifier: Apache-2.0
#include "sinks/eventgate_answer.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "json/event.h"
#include "json/parse.h"
#include "json/write.h"
#include "sinks/test_batch.h"

namespace tailgate::sinks {
namespace {

using Kind = Outcome::Kind;
using json::Member;
using json::Value;

struct Expected {
  Kind kind = Kind::answered;
  std::size_t rejected = 0;
  std::size_t retried = 0;
  std::size_t own_fault = 0;
  bool condemns_alone = false;
};

// What each recorded answer of EventGate 1.8.4 means that is not plainly "all accepted".
const std::map<std::string, Expected>& expectations() {
  static const std::map<std::string, Expected> kAll{
      {"06-partial-207", {.rejected = 2}},
      {"07-all-invalid-400", {.rejected = 2}},
      {"08-single-invalid-400", {.rejected = 1}},
      {"09-no-schema", {.retried = 1, .own_fault = 1}},
      {"10-no-stream", {.rejected = 1}},
      {"11-no-meta", {.rejected = 1}},
      {"12-unknown-schema", {.retried = 1}},
      {"13-mixed-ok-and-unknown-schema", {.rejected = 1, .retried = 1}},
      {"14-insecure-schema", {.retried = 1}},
      {"15-null-value", {.rejected = 1}},
      {"17-empty-body", {.kind = Kind::endpoint_trouble}},
      {"18-empty-array", {.kind = Kind::endpoint_trouble}},
      {"19-empty-object", {.kind = Kind::endpoint_trouble}},
      {"20-bad-json", {.kind = Kind::suspect, .condemns_alone = true}},
      {"21-ndjson", {.kind = Kind::suspect, .condemns_alone = true}},
      {"22-json-scalar", {.kind = Kind::suspect, .condemns_alone = true}},
      {"23-json-null", {.kind = Kind::suspect, .condemns_alone = true}},
      {"24-array-of-scalars", {.kind = Kind::unknown}},  // no ids to go by
      {"25-content-type-ndjson", {.kind = Kind::endpoint_trouble}},
      {"27-content-type-none", {.kind = Kind::endpoint_trouble}},
      {"29-content-type-charset-latin1", {.kind = Kind::endpoint_trouble}},
      {"31-too-large-413-4mb", {.kind = Kind::too_large}},
      {"34-gzip-bomb-over-limit", {.kind = Kind::too_large}},
      {"35-zstd-encoding", {.kind = Kind::endpoint_trouble}},
      {"36-get-events", {.kind = Kind::endpoint_trouble}},
      {"37-put-events", {.kind = Kind::endpoint_trouble}},
      {"38-wrong-path", {.kind = Kind::endpoint_trouble}},
      {"40-options", {.kind = Kind::endpoint_trouble}},  // a web page is not an acceptance
      {"45-bad-dt", {.rejected = 1}},
      {"62-kafka-broker-rejects-size", {.retried = 1, .own_fault = 1}},
      {"63-kafka-mixed-size", {.rejected = 1, .retried = 2, .own_fault = 2}},
      {"64-kafka-bad-topic-name", {.retried = 1, .own_fault = 1}},
      {"65-default-limit-413", {.kind = Kind::too_large}},
      {"67-20MB-body", {.kind = Kind::too_large}},
      {"68-kafka-hung-500", {.retried = 2}},
      {"69-kafka-hung-mixed-500", {.rejected = 1, .retried = 1}},
      {"72-kafka-dead-500", {.retried = 2}},
  };
  return kAll;
}

/// JSON without the white space between its tokens.
std::string compact(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') out += text[i++];
    if (quoted || std::string_view(" \n\r\t").find(text[i]) == std::string_view::npos)
      out += text[i];
  }
  return out;
}

std::string compact(const Value& value) {
  std::string out;
  json::write(value, out);
  return compact(out);
}

/// One recorded exchange. All events of a recording have the same meta.id, which the shipper never sends: each gets one
/// of its own here, in the request and where the answer echoes it.
class Recording {
 public:
  explicit Recording(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    auto root = parser_.parse_value(text.str(), arena_);
    REQUIRE_MESSAGE(root, file.string());
    root_ = *root;
    read_request(at(root_, {"request", "body"}));
    read_response();
  }

  std::vector<TestBatch::Item> items;
  HttpResponse response;

 private:
  const Value& at(const Value& from, const std::vector<std::string_view>& names) {
    const Value* value = &from;
    for (const std::string_view name : names) value = &value->items->find(name)->value;
    return *value;
  }
  std::string text_at(const std::vector<std::string_view>& names) {
    return std::string(json::text_of(at(root_, names), arena_));
  }

  void read_request(const Value& body) {
    if (body.kind == json::Kind::array) {
      for (const Member* one = body.items->first; one != nullptr; one = one->next) add(one->value);
    } else {
      add(body);
    }
  }
  void add(const Value& event) {
    const bool named = event.kind == json::Kind::object && event.items->find("meta") != nullptr;
    const std::string id = "id-" + std::to_string(items.size());
    before_.push_back(compact(event));
    items.push_back({named ? id : "", before_.back()});
  }

  void read_response() {
    response.status = std::stoi(std::string(at(root_, {"response", "status"}).raw));
    response.phrase = text_at({"response", "reason"});
    const Value& headers = at(root_, {"response", "headers"});
    if (const Member* type = headers.items->find("Content-Type")) {
      response.content_type = std::string(json::text_of(type->value, arena_));
    }
    Value body = at(root_, {"response", "body"});
    if (body.kind == json::Kind::string) {
      response.body = std::string(json::text_of(body, arena_));
      return;
    }
    for (const std::string_view list : {"invalid", "error"}) {
      const Member* entries = body.items->find(list);
      if (entries == nullptr) continue;
      for (Member* one = entries->value.items->first; one != nullptr; one = one->next) {
        if (!rename(one->value)) continue;
        body.items->changed = entries->value.items->changed = one->value.items->changed = true;
      }
    }
    json::write(body, response.body);
  }

  /// Gives the echoed event the id of the request's event that it is.
  bool rename(Value& entry) {
    Value& event = entry.items->find("event")->value;
    if (event.kind != json::Kind::object) return false;
    json::Event echo(arena_);
    echo.root() = *event.items;
    json::Event bare = echo.clone();
    bare.remove(json::Path::of({"http", "has_cookies"}));  // a default that EventGate filled in
    std::string text;
    json::write(bare, text);
    for (const std::string& wanted : {compact(text), compact(event)}) {
      for (std::size_t i = 0; i < before_.size(); ++i) {
        if (before_[i] != wanted) continue;
        before_[i].clear();
        if (items[i].id.empty()) return false;
        REQUIRE(echo.set(json::Path::of({"meta", "id"}), json::string_value(items[i].id, arena_)));
        *event.items = echo.root();
        return true;
      }
    }
    FAIL("an echoed event was not sent: " << text);
    return false;
  }

  json::Parser parser_;
  json::Arena arena_;
  Value root_;
  std::vector<std::string> before_;
};

std::vector<std::filesystem::path> recordings() {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder =
      std::filesystem::path(TAILGATE_SOURCE_DIR) / "tests/e2e/gateway/recordings";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  return files;
}

HttpResponse answer(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

std::string invalid_entry(const std::string& id) {
  return R"({"status":"invalid","event":{"meta":{"id":")" + id +
         R"("}},"context":{"errorsText":"'.a' should be string"}})";
}

TEST_CASE("every recorded answer of EventGate is understood") {
  const auto files = recordings();
  REQUIRE(files.size() == 61);
  std::size_t special = 0;
  for (const auto& file : files) {
    const std::string name = file.stem().string();
    CAPTURE(name);
    const Recording recording(file);
    const TestBatch batch(recording.items);
    const Outcome outcome = eventgate_outcome(recording.response, batch.get(), "http://gate");
    const auto known = expectations().find(name);
    if (known != expectations().end()) ++special;
    const Expected expected = known == expectations().end() ? Expected{} : known->second;
    CAPTURE(outcome.reason);
    CHECK(outcome.kind == expected.kind);
    CHECK(outcome.condemns_alone == expected.condemns_alone);
    std::size_t rejected = 0;
    std::size_t own = 0;
    for (const Answer& one : outcome.answers) {
      rejected += one.fate == Fate::rejected ? 1U : 0U;
      own += one.own_fault ? 1U : 0U;
      CHECK(one.reason.size() > std::string("EventGate: error: ").size());
      CHECK(one.detail.starts_with("{"));
    }
    CHECK(rejected == expected.rejected);
    CHECK(outcome.answers.size() - rejected == expected.retried);
    CHECK(own == expected.own_fault);
    if (outcome.kind != Kind::answered) CHECK(outcome.reason.starts_with("http://gate answered "));
  }
  CHECK(special == expectations().size());
}

TEST_CASE("the refused event is found by its id, and keeps EventGate's words") {
  const TestBatch batch(TestBatch::Items{{"a", "{}"}, {"b", "{}"}, {"c", "{}"}});
  const Outcome outcome = eventgate_outcome(
      answer(207, R"({"invalid":[)" + invalid_entry("c") +
                      R"(],"error":[{"status":"error","event":{"meta":{"id":"a"}},)"
                      R"("context":{"message":"message timed out"}}]})"),
      batch.get(), "gate");
  REQUIRE(outcome.kind == Kind::answered);
  REQUIRE(outcome.answers.size() == 2);
  CHECK(outcome.answers[0].event == 0);
  CHECK(outcome.answers[0].fate == Fate::retry);
  CHECK_FALSE(outcome.answers[0].own_fault);
  CHECK(outcome.answers[0].reason == "EventGate: error: message timed out");
  CHECK(outcome.answers[1].event == 2);
  CHECK(outcome.answers[1].fate == Fate::rejected);
  CHECK(outcome.answers[1].reason == "EventGate: invalid: '.a' should be string");
  CHECK(outcome.answers[1].detail == R"({"errorsText":"'.a' should be string"})");
}

TEST_CASE("an answer that does not fit the request is unknown") {
  const TestBatch batch(TestBatch::Items{{"a", "{}"}, {"b", "{}"}});
  const TestBatch twins(TestBatch::Items{{"a", "{}"}, {"a", "{}"}});
  const std::string one = invalid_entry("a");
  for (const std::string& body : {
           R"({"invalid":[)" + invalid_entry("z") + "]}",         // never sent
           R"({"invalid":[)" + one + "," + one + "]}",            // named twice
           std::string(R"({"invalid":[{"status":"invalid"}]})"),  // names none
           std::string(R"({"invalid":[],"error":[]})"),           // 207 without a reason
           std::string("{}"),
           std::string("<html>"),
           std::string(),
       }) {
    CAPTURE(body);
    CHECK(eventgate_outcome(answer(207, body), batch.get(), "gate").kind == Kind::unknown);
  }
  // One of two is named where none was accepted.
  const std::string body = R"({"invalid":[)" + one + "]}";
  CHECK(eventgate_outcome(answer(400, body), batch.get(), "gate").kind == Kind::unknown);
  CHECK(eventgate_outcome(answer(207, body), batch.get(), "gate").kind == Kind::answered);
  CHECK(eventgate_outcome(answer(207, body), twins.get(), "gate").kind == Kind::unknown);
  HttpResponse cut = answer(207, body);
  cut.truncated = true;
  CHECK(eventgate_outcome(cut, batch.get(), "gate").kind == Kind::unknown);
}

TEST_CASE("an event that was sent alone needs no id") {
  const TestBatch batch(TestBatch::Items{{"", "{}"}});
  const Outcome outcome = eventgate_outcome(
      answer(400, R"({"invalid":[{"event":{},"context":{}}]})"), batch.get(), "gate");
  REQUIRE(outcome.answers.size() == 1);
  CHECK(outcome.answers[0].reason == "EventGate: invalid: no reason given");
}

TEST_CASE("bodies that are not EventGate's are left to the status table") {
  const TestBatch batch(TestBatch::Items{{"a", "{}"}});
  for (const char* body :
       {R"({"error":"bad gateway"})", R"({"title":"TypeError"})", "[]", "oops"}) {
    CAPTURE(body);
    CHECK_FALSE(read_eventgate_answer(answer(500, body), batch.get(), "gate"));
    CHECK(eventgate_outcome(answer(502, body), batch.get(), "gate").kind == Kind::endpoint_trouble);
  }
  CHECK(eventgate_outcome(answer(400, "no"), batch.get(), "gate").kind == Kind::suspect);
}

}  // namespace
}  // namespace tailgate::sinks
