// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "app/commands.h"
#include "app/dead_replay.h"
#include "app/dead_store.h"
#include "app/flags.h"
#include "base/credentials.h"
#include "base/units.h"
#include "pipeline/build.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

int say(const Error& error) {
  std::fprintf(stderr, "tailgate: %s\n", error.what.c_str());
  return kUndelivered;
}

// The folder or file that is meant, or an empty text after saying what is missing.
std::string place_of(const DeadOptions& options) {
  if (!options.place.empty()) {
    std::error_code ignored;
    if (std::filesystem::exists(options.place, ignored)) return options.place;
    std::fprintf(stderr, "tailgate: --path: there is no %s\n", options.place.c_str());
    return {};
  }
  if (options.config.empty()) {
    std::fputs("tailgate: say where: -c SETTINGS or --path FOLDER\n", stderr);
    return {};
  }
  settings::Problems problems;
  const settings::Node root =
      settings::read_file(options.config, settings::process_environment(), problems);
  std::string folder = pipeline::read_general(root, problems).dead_letter_folder;
  if (folder.empty())
    std::fprintf(stderr, "tailgate: %s keeps no dead letters: it has no data_dir\n%s",
                 options.config.c_str(), problems.text().c_str());
  return folder;
}

template <class Visit>
int visit(const DeadOptions& options, Visit&& each) {
  const std::string place = place_of(options);
  if (place.empty()) return kUsage;
  const auto files = letter_files(place);
  if (!files.has_value()) return say(files.error());
  for (const std::string& file : *files) {
    const auto read = each_letter(file, [&](const StoredLetter& letter) {
      if (options.choice.takes(letter)) each(letter);
    });
    if (!read.has_value()) return say(read.error());
  }
  return kSettled;
}

int list(const DeadOptions& options) {
  struct Sum {
    std::uint64_t count = 0;
    std::string first;
    std::string last;
  };
  std::map<std::tuple<std::string, std::string, std::string>, Sum> sums;
  std::uint64_t total = 0;
  const int code = visit(options, [&](const StoredLetter& letter) {
    Sum& sum = sums[{letter.stage, letter.sink, letter.reason.substr(0, 100)}];
    if (sum.count++ == 0) sum.first = letter.time;
    sum.last = letter.time;
    ++total;
  });
  if (code != kSettled) return code;
  for (const auto& [key, sum] : sums) {
    const auto& [stage, sink, reason] = key;
    fmt::print("{:>8}  {:<6} {:<12} {} … {}  {}\n", sum.count, stage, sink.empty() ? "-" : sink,
               sum.first, sum.last, mask_credentials(reason, Mask::all));
  }
  fmt::print("{}\n", counted(total, "dead letter", "dead letters"));
  return kSettled;
}

int show(const DeadOptions& options) {
  std::size_t shown = 0;
  return visit(options, [&](const StoredLetter& letter) {
    if (options.limit > 0 && shown++ >= options.limit) return;
    fmt::print("{}\n", mask_credentials(letter.line, Mask::all));
  });
}

int purge(const DeadOptions& options) {
  const LetterChoice& choice = options.choice;
  const bool chosen = !choice.reason.empty() || !choice.sink.empty() || !choice.stage.empty();
  if (!chosen && !options.all && !options.dry_run) {
    std::fputs(
        "tailgate: this would remove every dead letter: say which by --reason, --sink or --stage, "
        "or say --all\n",
        stderr);
    return kUsage;
  }
  const std::string place = place_of(options);
  if (place.empty()) return kUsage;
  const auto files = letter_files(place);
  if (!files.has_value()) return say(files.error());
  std::uint64_t gone = 0;
  int code = kSettled;
  for (const std::string& file : *files) {
    if (options.dry_run) {
      const auto counted = each_letter(
          file, [&](const StoredLetter& letter) { gone += options.choice.takes(letter) ? 1 : 0; });
      if (!counted.has_value()) code = say(counted.error());
      continue;
    }
    const auto held = LetterLock::take(file);
    if (!held.has_value()) {
      code = say(held.error());
      continue;
    }
    const auto dropped = drop_letters(
        *held, file, [&](const StoredLetter& letter) { return options.choice.takes(letter); });
    if (dropped.has_value()) {
      gone += *dropped;
    } else {
      code = say(dropped.error());
    }
  }
  fmt::print("{} {}\n", counted(gone, "dead letter", "dead letters"),
             options.dry_run ? "would be removed" : "removed");
  return code;
}

int run_replay(const DeadOptions& options) {
  if (options.config.empty()) {
    std::fputs(
        "tailgate: a replay needs -c SETTINGS: the letters go through its filters and sinks\n",
        stderr);
    return kUsage;
  }
  const std::string place = place_of(options);
  return place.empty() ? static_cast<int>(kUsage) : replay(options, place);
}

}  // namespace

void add_dead(CLI::App& app, int& exit_code) {
  CLI::App* dead =
      app.add_subcommand("dead", "Look at dead letters, send them again, remove them.");
  dead->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, int (*act)(const DeadOptions&)) {
    auto options = std::make_shared<DeadOptions>();
    CLI::App* command = dead->add_subcommand(name, text);
    command->add_option("-c,--config", options->config, "The YAML settings file.");
    command->add_option("--path", options->place,
                        "The folder or file of dead letters, instead of the settings'.");
    command
        ->add_option("--reason", options->choice.reason, "Only those whose reason holds this text.")
        ->check(not_empty());
    command->add_option("--sink", options->choice.sink, "Only those of this sink.")
        ->check(not_empty());
    command->add_option("--stage", options->choice.stage, "Only those of this stage.")
        ->type_name("parse|filter|sink")
        ->check(CLI::IsMember({"parse", "filter", "sink"}));
    command->callback([options, act, &exit_code] { exit_code = act(*options); });
    return std::pair{command, options};
  };
  add("list", "Count them by stage, sink and reason.", list);
  const auto [show_command, show_options] = add("show", "Print them, token shapes masked.", show);
  show_command->add_option("--limit", show_options->limit, "At most so many; 0: all.")
      ->type_name("N")
      ->check(whole_number());
  const auto replaying =
      add("replay", "Send them again from the stage at which they failed.", run_replay);
  replaying.first
      ->add_option("--give-up-after", replaying.second->give_up_after,
                   "What is not settled so long after the last was sent stays (0: waits for ever).")
      ->type_name("DURATION")
      ->capture_default_str();
  const auto purging = add("purge", "Remove them.", purge);
  purging.first->add_flag("--all", purging.second->all,
                          "Remove every one; needed when nothing else says which.");
  for (const auto& [command, options] : {replaying, purging}) {
    command->add_flag("--dry-run", options->dry_run, "Only say what would be done.");
  }
}

}  // namespace tailgate::app
