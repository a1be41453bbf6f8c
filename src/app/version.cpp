// SPDX-License-Identifier: Apache-2.0
#include "app/version.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/commands.h"

namespace tailgate::app {

void add_version(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("version", "Print the version.");
  command->callback([&exit_code] {
    std::printf("tailgate %s\n", kVersion);
    exit_code = kSettled;
  });
}

}  // namespace tailgate::app
