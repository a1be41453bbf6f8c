// SPDX-License-Identifier: Apache-2.0
// EventGate's answers to a batch of three events. An input is a line with the status (and `truncated`, `html`), then the
// body. However odd the answer: no event it lists counts as delivered, and no event is named that was not sent.
#include <charconv>
#include <optional>
#include <set>

#include "fuzzing.h"
#include "json/text.h"
#include "sinks/eventgate_answer.h"
#include "sinks/test_batch.h"

namespace tailgate::fuzz {
namespace {

using json::Kind;
using json::Member;
using json::Value;
using sinks::HttpResponse;

HttpResponse response_of(std::string_view input) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view head = input.substr(0, end);
  HttpResponse response;
  (void)std::from_chars(head.data(), head.data() + head.size(), response.status);
  response.truncated = head.find("truncated") != std::string_view::npos;
  if (head.find("html") != std::string_view::npos) response.content_type = "text/html";
  if (end < input.size()) response.body = input.substr(end + 1);
  return response;
}

const Value* member(const Value* value, std::string_view name) {
  if (value == nullptr || value->kind != Kind::object) return nullptr;
  const Member* found = value->items->find(name);
  return found == nullptr ? nullptr : &found->value;
}

/// What an answer lists, read once more and plainly.
struct Listed {
  std::set<std::uint32_t> events;
  std::size_t entries = 0;
};

Listed listed(const std::string& body) {
  Listed out;
  json::Parser parser;
  json::Arena arena;
  const auto root = parser.parse_value(body, arena);
  if (!root) return out;
  for (const std::string_view name : {"invalid", "error"}) {
    const Value* list = member(&*root, name);
    if (list == nullptr || list->kind != Kind::array) continue;
    for (const Member* at = list->items->first; at != nullptr; at = at->next) {
      ++out.entries;
      const Value* id = member(member(member(&at->value, "event"), "meta"), "id");
      if (id == nullptr || id->kind != Kind::string) continue;
      const std::string_view text = json::text_of(*id, arena);
      if (text.size() == 4 && text.starts_with("id-") && text[3] >= '0' && text[3] < '3')
        out.events.insert(static_cast<std::uint32_t>(text[3] - '0'));
    }
  }
  return out;
}

void check(const Outcome& out, const HttpResponse& response) {
  std::optional<std::uint32_t> before;
  std::set<std::uint32_t> named;
  json::Parser parser;
  json::Arena arena;
  for (const Answer& answer : out.answers) {
    must(answer.event < 3, "only what was sent is named", response.body);
    must(!before || *before < answer.event, "each once, in order", response.body);
    must(answer.fate != Fate::delivered, "what is listed was not delivered", response.body);
    must(!answer.reason.empty(), "there is a reason");
    must(answer.detail.empty() || parser.parse_value(answer.detail, arena).has_value(),
         "the server's words are JSON", answer.detail);
    before = answer.event;
    named.insert(answer.event);
  }
  if (out.kind != Outcome::Kind::answered) return;
  // A plain 2xx says that all of it was accepted, whatever the body holds.
  const bool accepted = response.status >= 200 && response.status < 300 && response.status != 207;
  if (accepted) return;
  const Listed list = listed(response.body);
  must(!response.truncated, "half an answer is none", response.body);
  must(list.events == named && list.entries == named.size(), "every listed event is named",
       response.body);
  must(response.status == 207 || named.size() == 3, "a refusal delivers nothing", response.body);
}

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tailgate;  // NOLINT(google-build-using-namespace)
  const sinks::HttpResponse response = fuzz::response_of(fuzz::view(data, size));
  const sinks::TestBatch batch({{"id-0", R"({"meta":{"id":"id-0"}})"},
                                {"id-1", R"({"meta":{"id":"id-1"}})"},
                                {"id-2", R"({"meta":{"id":"id-2"}})"}});
  if (const auto out = sinks::read_eventgate_answer(response, batch.get(), "http://gate"))
    fuzz::check(*out, response);
  const Outcome out = sinks::eventgate_outcome(response, batch.get(), "http://gate");
  fuzz::must(out.kind == Outcome::Kind::answered || !out.reason.empty(), "there is a reason");
  fuzz::check(out, response);
  return 0;
}
