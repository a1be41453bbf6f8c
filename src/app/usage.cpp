// SPDX-License-Identifier: Apache-2.0
// usage: who uses the API, how much and how well, straight from the access logs.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/flags.h"
#include "app/pipe_settings.h"
#include "app/session.h"
#include "app/usage_report.h"
#include "base/units.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

struct UsageOptions {
  PipeOptions pipe;
  std::vector<std::string> files;
  std::string client;
  std::string since;
  std::string until;
  std::string by;
  std::size_t limit = 50;
  bool json = false;
};

// `24h` means 24 hours ago.
Result<std::optional<TimeSpan>> bound(const std::string& flag, const std::string& text) {
  if (text.empty()) return std::optional<TimeSpan>();
  if (const auto ago = parse_duration(text); ago.has_value()) {
    const Instant then = std::chrono::system_clock::now() - *ago;
    return std::optional(TimeSpan{then, then});
  }
  if (const auto time = parse_time(text)) return time;
  return fail(
      fmt::format("{}: \"{}\" is no time; write RFC 3339 such as 2026-11-23T10:15:00Z, a "
                  "date, or 24h for 24 hours ago",
                  flag, text));
}

Result<UsageRules> rules_of(const UsageOptions& options) {
  UsageRules rules;
  rules.only_client = options.client;
  const auto since = bound("--since", options.since);
  if (!since.has_value()) return tl::unexpected<Error>(since.error());
  const auto until = bound("--until", options.until);
  if (!until.has_value()) return tl::unexpected<Error>(until.error());
  if (*since) rules.since = (*since)->begin;
  if (*until) rules.until = (*until)->end;
  if (*since && *until && *rules.since >= *rules.until)
    return fail(fmt::format("--since {} is after --until {}", options.since, options.until));
  if (!options.by.empty()) {
    const auto path = json::Path::parse(options.by);
    if (!path.has_value()) return fail("--by: " + path.error().what);
    rules.fields.client = {*path, json::Path::of({options.by})};
  }
  return rules;
}

int usage(UsageOptions options) {
  block_signals();
  auto rules = rules_of(options);
  if (!rules.has_value()) {
    std::fprintf(stderr, "tailgate: %s\n", rules.error().what.c_str());
    return kUsage;
  }
  options.pipe.files = options.files;
  options.pipe.not_json = "skip";
  const auto yaml = pipe_yaml(options.pipe);
  if (!yaml.has_value()) {
    std::fprintf(stderr, "tailgate: %s\n", yaml.error().what.c_str());
    return kUsage;
  }
  const Log log = make_log(Log::Level::warn);
  settings::Problems problems;
  const settings::Node root =
      settings::read_text(yaml->text, kCommandLine, settings::process_environment(), problems);
  const pipeline::General general = pipeline::read_general(root, problems);
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  context.log = log;
  context.once = true;
  std::optional<pipeline::Parts> parts = pipeline::build(
      root, general, pipeline::DeadLetters::to_stderr(*context.clock, log), context, problems);
  std::fputs(by_flag(problems.warnings() + problems.text(), *yaml).c_str(), stderr);
  if (problems.any() || !parts) return kUsage;
  UsageReport report;
  if (!options.by.empty()) report.by = options.by;
  std::vector<pipeline::Chain::Step> steps;
  steps.push_back({"usage", make_usage_filter(std::move(*rules), report), std::nullopt,
                   pipeline::OnError::drop});
  parts->filters = pipeline::Chain(std::move(steps));
  pipeline::Pipeline pipeline(std::move(*parts));
  SessionRules session;
  session.progress = true;
  session.ledger = false;
  session.once = true;
  const int code = run_session(pipeline, session, log).exit_code;
  std::fputs(options.json ? report.json().c_str() : report.table(options.limit).c_str(), stdout);
  std::uint64_t skipped = 0;
  for (const auto& source : pipeline.sources())
    skipped += source.counters->filtered_not_json.value();
  if (skipped > 0)
    std::fprintf(stderr, "tailgate: %llu lines are not JSON; not counted\n",
                 static_cast<unsigned long long>(skipped));
  return code;
}

}  // namespace

void add_usage(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<UsageOptions>();
  CLI::App* command = app.add_subcommand(
      "usage", "Count requests by client id: share, errors, p50/p95/p99, first and last seen.");
  command->add_option("files", options->files, "Access logs, flat or nested, gz too; - for stdin.")
      ->required()
      ->type_name("FILE…|-");
  command->add_flag("--json", options->json, "JSON instead of a table.");
  command->add_option("--client", options->client, "Only this client.")
      ->type_name("ID")
      ->check(not_empty());
  command
      ->add_option("--since", options->since,
                   "From this time on: RFC 3339, a date, or 24h for 24 hours ago.")
      ->type_name("TIME")
      ->check(not_empty());
  command->add_option("--until", options->until, "Up to this time, a date's last moment.")
      ->type_name("TIME")
      ->check(not_empty());
  command->add_option("--by", options->by, "Count by this field instead of client_id.")
      ->type_name("PATH")
      ->check(not_empty());
  command->add_option("--limit", options->limit, "Rows of the table; 0: all.")
      ->type_name("N")
      ->check(whole_number());
  command->add_option("--format", options->pipe.format, "What wraps the JSON of a line.")
      ->type_name("auto|json|cri|docker|journald")
      ->check(CLI::IsMember({"auto", "json", "cri", "docker", "journald"}));
  command->callback([options, &exit_code] { exit_code = usage(*options); });
}

}  // namespace tailgate::app
