// SPDX-License-Identifier: Apache-2.0
#include "app/version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "settings/options.h"

namespace tailgate::app {
namespace {

// The flag that a mistyped one is close to.
std::string_view close_flag(const CLI::App& app, const std::string& word) {
  std::vector<std::string_view> flags;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back(name);
  }
  const std::string_view typed = std::string_view(word).substr(0, word.find('='));
  return typed.starts_with("--") ? settings::did_you_mean(typed.substr(2), flags) : "";
}

// CLI11 says only that a subcommand is required; here the wrong word and the right ones are named.
std::string failure(const CLI::App* app, const CLI::Error& error) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  const bool wanted = error.get_name() == "RequiredError" && app->get_require_subcommand_min() > 0;
  if (!wanted) {
    const std::vector<std::string> extra = app->remaining();
    const std::string_view close = extra.empty() ? "" : close_flag(*app, extra.front());
    return fmt::format(
        "tailgate: {}{}\nRun with --help for more information.\n", error.what(),
        close.empty() ? "" : fmt::format("; for {}, did you mean --{}?", extra.front(), close));
  }
  std::vector<std::string> commands;
  for (const CLI::App* command : app->get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(command->get_name());
  const std::vector<std::string> words = app->remaining();
  if (words.empty()) {
    return fmt::format("{}: a command is missing, one of {}\n", app->get_name(),
                       fmt::join(commands, ", "));
  }
  const std::string& word = words.front();
  const std::string_view close =
      settings::did_you_mean(word, std::vector<std::string_view>(commands.begin(), commands.end()));
  return fmt::format("{}: there is no {} \"{}\"{}; the commands are {}\n", app->get_name(),
                     word.starts_with('-') ? "flag" : "command", word,
                     close.empty() ? "" : fmt::format(", did you mean {}?", close),
                     fmt::join(commands, ", "));
}

}  // namespace

void add_version(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("version", "Print the version.");
  command->callback([&exit_code] {
    std::printf("tailgate %s\n", kVersion);
    exit_code = kSettled;
  });
}

void add_general_flags(CLI::App& app) {
  app.set_version_flag("--version", fmt::format("tailgate {}", kVersion), "Print the version.");
  app.failure_message(failure);
}

}  // namespace tailgate::app
