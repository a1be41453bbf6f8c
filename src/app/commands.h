// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace tailgate::app {

/// Exit codes of the program.
enum Exit : int {
  kSettled = 0,      // all settled, or (run) what is left waits safely
  kUndelivered = 1,  // something undelivered or lost: how much and where it waits was said
  kUsage = 2,        // usage or settings
  kDeadLetters = 3,  // finished, but some events are dead letters
};

/// The exit code of what ended with both: undelivered or lost is worse than wrong settings, those than dead letters.
constexpr int worse(int one, int other) {
  return one == kSettled || other == kSettled ? std::max(one, other) : std::min(one, other);
}

// Each adds one subcommand, which sets `exit_code` when it ran. One file per subcommand.
void add_run(CLI::App& app, int& exit_code);
void add_pipe(CLI::App& app, int& exit_code);
void add_validate(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_usage(CLI::App& app, int& exit_code);
void add_dead(CLI::App& app, int& exit_code);
void add_health(CLI::App& app, int& exit_code);
void add_status(CLI::App& app, int& exit_code);
void add_describe(CLI::App& app, int& exit_code);
void add_version(CLI::App& app, int& exit_code);

/// `--version`, and what is answered to a word that is no command; after all commands were added.
void add_general_flags(CLI::App& app);

}  // namespace tailgate::app
