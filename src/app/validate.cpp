// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "app/commands.h"
#include "app/reference.h"
#include "app/session.h"
#include "settings/print.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

struct ValidateOptions {
  std::string file;
  bool connect = false;
  bool print = false;
};

int validate(const ValidateOptions& options) {
  if (options.file.empty()) {
    std::fputs("tailgate: FILE is missing: tailgate validate FILE\n", stderr);
    return kUsage;
  }
  settings::Problems problems;
  const settings::Node root =
      settings::read_file(options.file, settings::process_environment(), problems);
  const pipeline::General general = pipeline::read_general(root, problems);
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  context.log = make_log(Log::Level::error);
  context.need_data_dir = true;
  const std::optional<pipeline::Parts> parts =
      pipeline::build(root, general, pipeline::DeadLetters::to_stderr(*context.clock, context.log),
                      context, problems);
  if (!problems.any()) pipeline::warn_about(root, problems);
  if (say_problems(problems) || !parts) return kUsage;
  if (options.print)
    std::fputs(
        settings::print_masked(root, settings_doc_by_type(), settings::Defaults::show).c_str(),
        stdout);
  if (options.connect) {
    const std::string trouble = pipeline::probe_sinks(root, context);
    if (!trouble.empty()) {
      std::fputs(trouble.c_str(), stderr);
      return kUndelivered;
    }
  }
  std::fprintf(stderr, "%s: fine%s\n", options.file.c_str(),
               options.connect ? "; every sink answers" : "");
  return kSettled;
}

}  // namespace

void add_validate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ValidateOptions>();
  CLI::App* command =
      app.add_subcommand("validate", "Check a settings file: everything wrong with it, at once.");
  command->add_option("file,-c,--config", options->file, "The YAML settings file.")
      ->type_name("FILE");
  command->add_flag("--connect", options->connect, "Ask every sink whether it is there.");
  command->add_flag("--print", options->print, "Print the settings as understood, secrets as ***.");
  command->callback([options, &exit_code] { exit_code = validate(*options); });
}

}  // namespace tailgate::app
