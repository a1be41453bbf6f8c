// SPDX-License-Identifier: Apache-2.0
#include "sinks/status.h"

#include <array>
#include <utility>

namespace tailgate::sinks {
namespace {

using Kind = Outcome::Kind;

constexpr int kLastStatus = 999;

constexpr std::array kTable{
    StatusRule{0, 0, Kind::endpoint_trouble, "no answer: connection, name, TLS, timeout", ""},
    StatusRule{207, 207, Kind::unknown, "several fates; understood by its body, if at all",
               "its body does not say what became of each event"},
    StatusRule{200, 299, Kind::answered, "accepted", ""},
    StatusRule{300, 399, Kind::endpoint_trouble, "redirect",
               "redirects are not followed: set `url` to where it points"},
    StatusRule{400, 400, Kind::suspect, "refused as a whole", ""},
    StatusRule{401, 401, Kind::endpoint_trouble, "not logged in",
               "check `auth`: the credentials are missing or not accepted"},
    StatusRule{403, 403, Kind::endpoint_trouble, "not allowed",
               "check `auth`: the credentials do not allow this"},
    StatusRule{404, 404, Kind::endpoint_trouble, "not found", "check the path of `url`"},
    StatusRule{405, 405, Kind::endpoint_trouble, "wrong method",
               "check `method` and the path of `url`"},
    StatusRule{406, 406, Kind::endpoint_trouble, "not acceptable", "check `headers` and `format`"},
    StatusRule{407, 407, Kind::endpoint_trouble, "a proxy wants credentials", ""},
    StatusRule{408, 408, Kind::endpoint_trouble, "the server timed out", ""},
    StatusRule{413, 413, Kind::too_large, "body too large", ""},
    StatusRule{415, 415, Kind::endpoint_trouble, "media type or encoding not supported",
               "check `format`, `compression` and `headers`"},
    StatusRule{422, 422, Kind::suspect, "refused as a whole", ""},
    StatusRule{429, 429, Kind::endpoint_trouble, "too many requests", ""},
    StatusRule{431, 431, Kind::endpoint_trouble, "headers too large", "check `headers`"},
    StatusRule{402, 499, Kind::endpoint_trouble, "any other refusal (410, 411, 451, …)", ""},
    StatusRule{500, 599, Kind::endpoint_trouble, "the server's own trouble", ""},
    StatusRule{100, kLastStatus, Kind::endpoint_trouble, "not an HTTP status", ""},
};

std::string_view what_happens(Kind kind) {
  switch (kind) {
    case Kind::answered:
      return "delivered";
    case Kind::endpoint_trouble:
      return "the endpoint's trouble: lines wait, tried again for as long as it takes";
    case Kind::too_large:
      return "split, and the size remembered";
    case Kind::suspect:
      return "halved until the event at fault is alone; a dead letter only if others are accepted";
    case Kind::unknown:
      return "not understood: tried again in halves";
    case Kind::closed:
      break;  // stdout's alone
  }
  return "";
}

}  // namespace

std::span<const StatusRule> status_table() {
  return kTable;
}

const StatusRule& rule_for(int status) {
  for (const StatusRule& rule : kTable) {
    if (status >= rule.first && status <= rule.last) return rule;
  }
  return kTable.back();
}

std::string answered(const HttpResponse& response, std::string_view where) {
  std::string text(where);
  text += " answered " + std::to_string(response.status);
  if (!response.phrase.empty()) text += " " + response.phrase;
  return text;
}

Outcome outcome_by_status(const HttpResponse& response, std::string_view where) {
  Outcome out;
  out.retry_after = response.retry_after;
  if (response.cancelled) {
    out.kind = Kind::unknown;
    out.reason = response.error;
    return out;
  }
  if (!response.error.empty()) {
    out.kind = Kind::endpoint_trouble;
    out.reason = response.error;
    return out;
  }
  const StatusRule& rule = rule_for(response.status);
  out.kind = rule.kind;
  if (rule.kind == Kind::answered) return out;
  out.reason = answered(response, where);
  if (!rule.hint.empty()) out.reason += "; " + std::string(rule.hint);
  if (!response.location.empty()) {
    out.reason += " (" + response.location.substr(0, response.location.find('?')) + ")";
  }
  constexpr std::size_t kLongestDetail = 4096;
  if (rule.kind == Kind::suspect) out.detail = response.body.substr(0, kLongestDetail);
  return out;
}

std::string status_table_markdown() {
  std::string out = "| status | meaning | what happens |\n|---|---|---|\n";
  for (const StatusRule& rule : kTable) {
    if (rule.last == kLastStatus) continue;
    out += "| ";
    if (rule.first == 0) {
      out += "none";
    } else {
      out += std::to_string(rule.first);
      if (rule.last != rule.first) out += "–" + std::to_string(rule.last);
    }
    out +=
        " | " + std::string(rule.meaning) + " | " + std::string(what_happens(rule.kind)) + " |\n";
  }
  return out;
}

}  // namespace tailgate::sinks
