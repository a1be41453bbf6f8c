// SPDX-License-Identifier: Apache-2.0
#include "settings/describe.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands.h"
#include "app/completions.h"
#include "app/reference.h"

namespace tailgate::app {

void add_describe(CLI::App& app, int& exit_code) {
  auto what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "describe", "Print the reference, the JSON Schema, completions or a man page.");
  command->add_option("what", *what, "What to print.")
      ->required()
      ->check(CLI::IsMember({"reference", "schema", "bash", "zsh", "fish", "man"}));
  command->callback([what, &app, &exit_code] {
    std::string text;
    if (*what == "reference") text = settings::reference_markdown(settings_doc()) + answers_doc();
    if (*what == "schema") text = settings::json_schema(settings_doc());
    if (*what == "bash") text = bash_completion(app);
    if (*what == "zsh") text = zsh_completion(app);
    if (*what == "fish") text = fish_completion(app);
    if (*what == "man") text = man_page(app);
    std::fputs(text.c_str(), stdout);
    exit_code = kSettled;
  });
}

}  // namespace tailgate::app
