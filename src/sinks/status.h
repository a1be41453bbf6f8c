// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/outcome.h"
#include "sinks/http_message.h"

namespace tailgate::sinks {

/// What a status means for a request's events, when its body does not say more: one row of the
/// table.
struct StatusRule {
  int first;
  int last;
  Outcome::Kind kind;
  std::string_view meaning;
  std::string_view hint;  // what to look at; may be empty
};

/// THE status table: the documentation prints it, the HTTP sinks act on it. In order; the first row
/// that fits counts. Status 0 stands for no answer: connection, name, TLS, timeout.
std::span<const StatusRule> status_table();
const StatusRule& rule_for(int status);

/// The outcome by the table alone.
Outcome outcome_by_status(const HttpResponse& response, std::string_view where);
/// `https://host/path answered 503 Service Unavailable`, without a hint.
std::string answered(const HttpResponse& response, std::string_view where);
/// The table in Markdown.
std::string status_table_markdown();
/// The table of librdkafka's delivery reports (kafka_errors.h), in Markdown.
std::string kafka_error_table_markdown();

}  // namespace tailgate::sinks
