// SPDX-License-Identifier: Apache-2.0
// usage: who uses the API, how much and how well, straight from the access logs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"
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

// `24h` means 24 hours ago; anything else is RFC 3339 or a prefix of it.
std::string bound(const std::string& text) {
  const auto ago = parse_duration(text);
  return text.empty() || !ago.has_value() ? text : rfc3339(std::chrono::system_clock::now() - *ago);
}

int usage(UsageOptions options) {
  block_signals();
  UsageRules rules;
  rules.only_client = options.client;
  rules.since = bound(options.since);
  rules.until = bound(options.until);
  if (!options.by.empty()) {
    const auto path = json::Path::parse(options.by);
    if (!path.has_value()) {
      std::fprintf(stderr, "tailgate: --by: %s\n", path.error().what.c_str());
      return kUsage;
    }
    rules.fields.client = {*path, json::Path::of({options.by})};
  }
  for (const std::string& file : options.files) {
    if (file != "-") options.pipe.files.push_back(file);
  }
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
  if (say_problems(problems) || !parts) return kUsage;
  UsageReport report;
  std::vector<pipeline::Chain::Step> steps;
  steps.push_back({"usage", make_usage_filter(std::move(rules), report), std::nullopt,
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
  command->add_option("--client", options->client, "Only this client.")->type_name("ID");
  command
      ->add_option("--since", options->since,
                   "From this time on: RFC 3339 or a prefix of it, or 24h for 24 hours ago.")
      ->type_name("TIME");
  command->add_option("--until", options->until, "Up to this time.")->type_name("TIME");
  command->add_option("--by", options->by, "Count by this field instead of client_id.")
      ->type_name("PATH");
  command->add_option("--limit", options->limit, "Rows of the table; 0: all.")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--format", options->pipe.format,
                      "What wraps the JSON of a line: auto, json, cri, docker, journald.");
  command->callback([options, &exit_code] { exit_code = usage(*options); });
}

}  // namespace tailgate::app
