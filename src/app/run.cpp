// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "app/admin.h"
#include "app/commands.h"
#include "app/session.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

struct RunOptions {
  std::string config;
  bool once = false;
  bool debug = false;
};

Log::Level level_of(const RunOptions& options) {
  return options.debug ? Log::Level::debug : Log::Level::info;
}

int run(const RunOptions& options) {
  block_signals();
  const Log log = make_log(level_of(options));
  settings::Problems problems;
  const settings::Node root =
      settings::read_file(options.config, settings::process_environment(), problems);
  const pipeline::General general = pipeline::read_general(root, problems);
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  context.log = log;
  context.once = options.once;
  context.need_data_dir = true;
  context.interactive = options.once;
  auto letters =
      general.dead_letter_folder.empty()
          ? pipeline::DeadLetters::to_stderr(*context.clock, log)
          : pipeline::DeadLetters::in_folder(general.dead_letter_folder, general.dead_letter_limits,
                                             *context.clock, log);
  std::unique_ptr<state::Store> store;
  if (!problems.any() && !general.data_dir.empty()) {
    auto opened = state::Store::open({general.data_dir, general.run.grace, false});
    if (!opened.has_value()) {
      std::fprintf(stderr, "tailgate: %s\n", opened.error().what.c_str());
      return kUsage;
    }
    store = std::move(*opened);
    context.store = store.get();
  }
  std::optional<pipeline::Parts> parts =
      pipeline::build(root, general, std::move(letters), context, problems);
  if (say_problems(problems) || !parts) return kUsage;
  pipeline::Pipeline pipeline(std::move(*parts));
  std::unique_ptr<AdminServer> admin;
  if (general.admin_listen != "none" && !options.once) {
    auto started = AdminServer::start(general.admin_listen, pipeline, log.named("admin"));
    if (!started.has_value()) {
      std::fprintf(stderr, "tailgate: %s\n", started.error().what.c_str());
      return kUsage;
    }
    admin = std::move(*started);
  }
  SessionRules rules;
  rules.progress = options.once;
  rules.waits_safely = store != nullptr;
  return run_session(pipeline, rules, log);
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Run what a settings file says, until stopped.");
  command->add_option("-c,--config", options->config, "The YAML settings file.")->required();
  command->add_flag("--once", options->once,
                    "End when everything that is there was read and settled.");
  command->add_flag("--debug", options->debug, "Say more on stderr.");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace tailgate::app
