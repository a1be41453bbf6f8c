// SPDX-License-Identifier: Apache-2.0
#include "app/usage_report.h"

#include <doctest/doctest.h>

#include "json/parse.h"

using namespace tailgate;
using app::UsageReport;
using app::UsageRules;

namespace {

UsageReport count(UsageRules rules, const std::vector<std::string>& lines) {
  UsageReport report;
  const auto filter = app::make_usage_filter(std::move(rules), report);
  json::Parser parser;
  for (const std::string& line : lines) {
    json::Arena arena;
    json::Event event(arena);
    const std::string padded = line + std::string(json::kPadding, ' ');
    REQUIRE(parser.parse({padded.data(), line.size()}, event).has_value());
    REQUIRE(filter->apply(event).has_value());
  }
  return report;
}

}  // namespace

TEST_CASE("requests, error classes and percentiles are counted by client, flat and nested alike") {
  std::vector<std::string> lines;
  for (int i = 1; i <= 100; ++i) {
    lines.push_back(R"({"client_id":"a","http.status_code":200,"total_time_ms":)" +
                    std::to_string(i) + R"(,"meta.dt":"2026-11-23T00:00:)" +
                    (i < 60 ? "10" : "20") + "Z\"}");
  }
  lines.push_back(
      R"({"client_id":"b","http":{"status_code":503},"total_time_ms":"7","meta":{"dt":"2026-11-22T00:00:00Z"}})");
  lines.push_back(R"({"client_id":"-","http_status_code":"404"})");
  const UsageReport report = count({}, lines);
  CHECK(report.requests == 102);
  const auto& a = report.clients.at("a");
  CHECK(a.requests == 100);
  CHECK(a.first == "2026-11-23T00:00:10Z");
  CHECK(a.last == "2026-11-23T00:00:20Z");
  CHECK(report.clients.at("b").by_class[5] == 1);
  CHECK(report.clients.at("b").durations == std::vector<double>{7});
  CHECK(report.clients.at("(none)").by_class[4] == 1);
  CHECK(report.json().find(R"("p50_ms":50,"p95_ms":95,"p99_ms":99)") != std::string::npos);
  CHECK(report.json().find(R"({"client_id":null,"requests":1)") != std::string::npos);
}

TEST_CASE("bounds and one client narrow the count; a day as the upper bound is taken in whole") {
  const std::vector<std::string> lines = {
      R"({"client_id":"a","dt":"2026-11-22T10:00:00Z"})",
      R"({"client_id":"a","dt":"2026-11-23T10:00:00Z"})",
      R"({"client_id":"b","dt":"2026-11-23T11:00:00Z"})",
      R"({"client_id":"a","dt":"2026-11-24T10:00:00Z"})",
  };
  UsageRules rules;
  rules.since = app::parse_time("2026-11-23")->begin;
  rules.until = app::parse_time("2026-11-23")->end;
  CHECK(count(rules, lines).requests == 2);
  rules.only_client = "a";
  CHECK(count(rules, lines).requests == 1);
}

TEST_CASE("a forged id cannot write to the terminal") {
  const UsageReport report = count({}, {R"({"client_id":"\u001b[2Jx"})"});
  CHECK(report.table(0).find('\x1b') == std::string::npos);
}

TEST_CASE("times are compared as times, whatever their offset; what is no time is never seen") {
  const std::vector<std::string> lines = {
      R"({"client_id":"a","dt":"2026-11-23T10:00:00Z"})",
      R"({"client_id":"a","dt":"2026-11-23T10:30:00+02:00"})",
      R"({"client_id":"a","dt":"-"})",
      R"({"client_id":"a"})",
  };
  const UsageReport all = count({}, lines);
  CHECK(all.requests == 4);
  CHECK(all.clients.at("a").first == "2026-11-23T10:30:00+02:00");
  CHECK(all.clients.at("a").last == "2026-11-23T10:00:00Z");
  UsageRules rules;
  rules.since = app::parse_time("2026-11-23T09:00:00Z")->begin;
  CHECK(count(rules, lines).requests == 1);
}
