// SPDX-License-Identifier: Apache-2.0
#include "sinks/status.h"

#include <doctest/doctest.h>

namespace tailgate::sinks {
namespace {

using Kind = Outcome::Kind;

TEST_CASE("only 2xx other than 207 delivers") {
  for (int status = 0; status < 1000; ++status) {
    CAPTURE(status);
    const bool delivers = rule_for(status).kind == Kind::answered;
    CHECK(delivers == (status >= 200 && status < 300 && status != 207));
  }
}

TEST_CASE("no status but 400, 413 and 422 speaks against the events") {
  for (int status = 300; status < 600; ++status) {
    CAPTURE(status);
    const Kind expected = status == 400 || status == 422 ? Kind::suspect
                          : status == 413                ? Kind::too_large
                                                         : Kind::endpoint_trouble;
    CHECK(rule_for(status).kind == expected);
  }
}

TEST_CASE("the reason says who answered what, and what to look at") {
  HttpResponse response;
  response.status = 401;
  response.phrase = "Unauthorized";
  const Outcome outcome = outcome_by_status(response, "https://gate.example/in");
  CHECK(outcome.reason ==
        "https://gate.example/in answered 401 Unauthorized; check `auth`: the credentials are "
        "missing or not accepted");
}

TEST_CASE("a transport error wins over a status that came before it") {
  HttpResponse response;
  response.status = 201;
  response.error = "gate: the connection was lost";
  CHECK(outcome_by_status(response, "gate").kind == Kind::endpoint_trouble);
  response.cancelled = true;
  CHECK(outcome_by_status(response, "gate").kind == Kind::unknown);
}

TEST_CASE("a refusal as a whole keeps the server's words") {
  HttpResponse response;
  response.status = 422;
  response.body = "field x";
  const Outcome outcome = outcome_by_status(response, "gate");
  CHECK(outcome.kind == Kind::suspect);
  CHECK_FALSE(outcome.condemns_alone);
  CHECK(outcome.detail == "field x");
}

TEST_CASE("the documentation's table has a row for each rule") {
  const std::string text = status_table_markdown();
  CHECK(text.find("| none | no answer") != std::string::npos);
  CHECK(text.find("| 200–299 | accepted | delivered |") != std::string::npos);
  CHECK(text.find("| 413 | body too large | split") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::sinks
