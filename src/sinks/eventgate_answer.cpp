// SPDX-License-Identifier: Apache-2.0
#include "sinks/eventgate_answer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "json/event.h"
#include "json/parse.h"
#include "json/write.h"
#include "sinks/status.h"

namespace tailgate::sinks {
namespace {

using json::Kind;
using json::Member;
using json::Value;

// What EventGate says of an event that will never be accepted, whatever the state of the services
// behind it. `Failed loading schema` is not here: the schema registry may be down.
constexpr std::array<std::string_view, 3> kPermanentMessages{
    "message size too large", "invalid topic",
    "could not be extracted",  // `Field(s) $schema were missing from event and could not be
                               // extracted.`
};
constexpr std::size_t kLongestReason = 500;
constexpr std::size_t kLongestDetail = std::size_t{16} << 10;

const Value* member(const Value& value, std::string_view name) {
  if (value.kind != Kind::object || value.items == nullptr) return nullptr;
  const Member* found = value.items->find(name);
  return found == nullptr ? nullptr : &found->value;
}

std::string text(const Value* value, json::Arena& arena) {
  if (value == nullptr || value->kind != Kind::string) return {};
  return std::string(json::text_of(*value, arena));
}

bool is_permanent(std::string_view message) {
  std::string lower(message);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const std::string_view known : kPermanentMessages) {
    if (lower.find(known) != std::string::npos) return true;
  }
  return false;
}

void shorten(std::string& text) {
  if (text.size() <= kLongestReason) return;
  std::size_t end = kLongestReason;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  text += "…";
}

/// Finds the events that an answer names.
class Matcher {
 public:
  explicit Matcher(const Batch& batch) : named_(batch.size()), alone_(batch.size() == 1) {
    const auto& events = batch.events();
    by_id_.reserve(events.size());
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      const std::string_view id = batch.note(events[i].id);
      if (id.empty()) continue;
      const bool is_new = by_id_.emplace(id, i).second;
      if (!is_new) by_id_[id] = kTwice;
    }
  }

  /// The event that `entry` echoes; nothing when there is no telling. No event is found twice.
  std::optional<std::uint32_t> find(const Value& entry, json::Arena& arena) {
    std::uint32_t index = 0;
    if (!alone_) {
      const Value* event = member(entry, "event");
      const Value* meta = event == nullptr ? nullptr : member(*event, "meta");
      const std::string id = text(meta == nullptr ? nullptr : member(*meta, "id"), arena);
      const auto at = by_id_.find(id);
      if (id.empty() || at == by_id_.end() || at->second == kTwice) return std::nullopt;
      index = at->second;
    }
    if (named_[index]) return std::nullopt;
    named_[index] = true;
    ++found_;
    return index;
  }
  [[nodiscard]] bool found_all() const { return found_ == named_.size(); }

 private:
  static constexpr std::uint32_t kTwice = UINT32_MAX;
  std::unordered_map<std::string_view, std::uint32_t> by_id_;
  std::vector<bool> named_;
  std::size_t found_ = 0;
  bool alone_;
};

Answer read_entry(const Value& entry, bool invalid, json::Arena& arena) {
  Answer answer;
  answer.fate = invalid ? Fate::rejected : Fate::retry;
  const Value* context = member(entry, "context");
  std::string said;
  if (context != nullptr) {
    said = text(member(*context, invalid ? "errorsText" : "message"), arena);
    json::write(*context, answer.detail);
    if (answer.detail.size() > kLongestDetail) answer.detail.clear();
  }
  answer.own_fault = !invalid && is_permanent(said);
  answer.reason = invalid ? "EventGate: invalid: " : "EventGate: error: ";
  answer.reason += said.empty() ? "no reason given" : said;
  shorten(answer.reason);
  return answer;
}

Outcome unknown(const HttpResponse& response, std::string_view where, std::string_view why) {
  Outcome out;
  out.kind = Outcome::Kind::unknown;
  out.retry_after = response.retry_after;
  out.reason = answered(response, where) + ": " + std::string(why);
  return out;
}

bool is_list(const Value* value) {
  return value != nullptr && value->kind == Kind::array;
}

Outcome read_lists(const HttpResponse& response, const Batch& batch, const Value& body,
                   std::string_view where, json::Arena& arena) {
  Outcome out;
  out.kind = Outcome::Kind::answered;
  out.retry_after = response.retry_after;
  out.reason = answered(response, where);
  Matcher events(batch);
  for (const bool invalid : {true, false}) {
    const Value* list = member(body, invalid ? "invalid" : "error");
    if (!is_list(list)) continue;
    for (const Member* at = list->items->first; at != nullptr; at = at->next) {
      const auto event = events.find(at->value, arena);
      if (!event)
        return unknown(response, where, "names an event that was not sent, or not by its id");
      Answer answer = read_entry(at->value, invalid, arena);
      answer.event = *event;
      out.answers.push_back(std::move(answer));
    }
  }
  if (response.status != 207 && !events.found_all()) {
    return unknown(response, where, "accepts nothing, but does not name every event");
  }
  if (out.answers.empty()) return unknown(response, where, "names no event");
  std::sort(out.answers.begin(), out.answers.end(),
            [](const Answer& a, const Answer& b) { return a.event < b.event; });
  return out;
}

std::optional<Outcome> read_error(const HttpResponse& response, const Value& body,
                                  std::string_view where, json::Arena& arena) {
  const std::string title = text(member(body, "title"), arena);
  const std::string detail = text(member(body, "detail"), arena);
  Outcome out;
  out.retry_after = response.retry_after;
  out.reason = std::string(where) + " answered " + std::to_string(response.status) + " " + title;
  if (!detail.empty()) out.reason += ": " + detail;
  shorten(out.reason);
  if (title == "PayloadTooLargeError") {
    out.kind = Outcome::Kind::too_large;
  } else if (title == "SyntaxError") {
    out.kind = Outcome::Kind::suspect;
    out.condemns_alone = true;
    if (response.body.size() <= kLongestDetail) out.detail = response.body;
  } else if (title == "UnsupportedMediaTypeError") {
    out.kind = Outcome::Kind::endpoint_trouble;
    out.reason +=
        "; check `headers` and `compression`: EventGate takes application/json in UTF-8, "
        "plain or by gzip";
  } else {
    return std::nullopt;
  }
  return out;
}

}  // namespace

std::optional<Outcome> read_eventgate_answer(const HttpResponse& response, const Batch& batch,
                                             std::string_view where) {
  if (response.status != 207 && response.status < 400) return std::nullopt;
  if (!response.error.empty() || response.truncated || response.body.empty()) return std::nullopt;
  json::Parser parser;
  json::Arena arena;
  const auto body = parser.parse_value(response.body, arena);
  if (!body || body->kind != Kind::object) return std::nullopt;
  if (is_list(member(*body, "invalid")) || is_list(member(*body, "error"))) {
    return read_lists(response, batch, *body, where, arena);
  }
  return read_error(response, *body, where, arena);
}

Outcome eventgate_outcome(const HttpResponse& response, const Batch& batch,
                          std::string_view where) {
  if (response.error.empty()) {
    if (response.truncated && response.status >= 300) {
      return unknown(response, where, "its body is longer than any that EventGate could mean");
    }
    if (auto out = read_eventgate_answer(response, batch, where)) return std::move(*out);
  }
  Outcome out = outcome_by_status(response, where);
  const bool is_page = response.content_type.starts_with("text/html") && !response.body.empty();
  if (response.status == 400 && response.body.empty() && response.error.empty()) {
    out.kind = Outcome::Kind::endpoint_trouble;
    out.reason = answered(response, where) +
                 "; the body was not read: a wrong Content-Type in `headers`, or a bug in tailgate";
  } else if (response.status == 404) {
    out.reason = answered(response, where) +
                 "; check the path of `url`: EventGate takes events at /v1/events";
  } else if (out.kind == Outcome::Kind::answered && is_page) {
    out.kind = Outcome::Kind::endpoint_trouble;
    out.reason = answered(response, where) + " with a web page: this is not EventGate";
  }
  return out;
}

}  // namespace tailgate::sinks
