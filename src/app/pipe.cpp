// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "app/commands.h"
#include "app/flags.h"
#include "app/pipe_settings.h"
#include "app/pipe_text.h"
#include "app/session.h"
#include "base/units.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

void say(const std::string& what) {
  std::fprintf(stderr, "tailgate: %s\n", what.c_str());
}

// Where dead letters of a pipe go: a file, or stderr.
std::string dead_file(const PipeOptions& options) {
  if (!options.dead_file.empty()) return options.dead_file;
  const std::string& not_json = options.not_json;
  return not_json == "show" || not_json == "skip" || not_json == "pass" ? "" : not_json;
}

std::optional<struct stat> regular(int failed, const struct stat& about) {
  if (failed != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  return about;
}

std::optional<struct stat> regular_file(const std::string& path) {
  struct stat about {};
  return regular(::stat(path.c_str(), &about), about);
}

std::optional<struct stat> regular_file(int fd) {
  struct stat about {};
  return regular(::fstat(fd, &about), about);
}

// A file that is both read and written would be read for ever. Empty: there is none.
std::string read_and_written(const PipeOptions& options) {
  std::vector<std::pair<std::string, std::optional<struct stat>>> written;
  for (const std::string& target : options.targets) {
    const auto kind = kind_of_target(target);
    if (kind.has_value() && *kind == "file")
      written.emplace_back("--to " + target, regular_file(file_of_target(target)));
    if (target == "-") written.emplace_back("stdout", regular_file(STDOUT_FILENO));
  }
  if (options.targets.empty()) written.emplace_back("stdout", regular_file(STDOUT_FILENO));
  const auto clash = [&](const std::optional<struct stat>& read) -> std::string {
    for (const auto& [name, file] : written) {
      if (read && file && read->st_dev == file->st_dev && read->st_ino == file->st_ino &&
          (read->st_size > 0 || options.follow))
        return name;
    }
    return {};
  };
  if (options.files.empty()) return clash(regular_file(STDIN_FILENO));
  for (const std::string& file : options.files) {
    if (std::string name = clash(regular_file(file)); !name.empty()) return name;
  }
  return {};
}

// What is followed and not there yet is waited for, which would look like a hang.
void say_what_is_awaited(const PipeOptions& options) {
  if (!options.follow || options.quiet) return;
  std::error_code ignored;
  for (const std::string& file : options.files) {
    if (std::filesystem::exists(file, ignored)) continue;
    const bool pattern = file.find_first_of("*?[") != std::string::npos;
    if (!pattern) say(file + " is not there yet; waits for it");
  }
}

// The settings that the flags stand for, and what they make; nothing after saying what is wrong.
std::optional<pipeline::Parts> build(const PipeOptions& options, Millis give_up, const Log& log) {
  auto yaml = pipe_yaml(options);
  if (!yaml.has_value()) {
    say(yaml.error().what);
    return std::nullopt;
  }
  settings::Problems problems;
  const settings::Node root =
      settings::read_text(yaml->text, kCommandLine, settings::process_environment(), problems);
  pipeline::General general = pipeline::read_general(root, problems);
  general.run.give_up_after = give_up;
  general.run.quiet = Millis(200);
  general.run.grace = Millis(5'000);
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  context.log = log;
  context.once = !options.follow;
  context.interactive = true;
  const std::string dead = options.print_config ? "" : dead_file(options);
  auto letters = dead.empty() ? pipeline::DeadLetters::to_stderr(*context.clock, log)
                              : pipeline::DeadLetters::in_file(dead, *context.clock, log);
  if (auto ready = letters.prepare(); !ready.has_value()) {
    say((options.dead_file.empty() ? "--not-json: " : "--dead: ") + ready.error().what);
    return std::nullopt;
  }
  std::optional<pipeline::Parts> parts =
      pipeline::build(root, general, std::move(letters), context, problems);
  std::fputs(by_flag(problems.warnings() + problems.text(), *yaml).c_str(), stderr);
  if (problems.any()) return std::nullopt;
  return parts;
}

int pipe(const PipeOptions& options) {
  block_signals();
  Millis give_up{0};
  if (!options.give_up_after.empty()) {
    const auto parsed = parse_duration(options.give_up_after);
    if (!parsed.has_value()) {
      say("--give-up-after: " + parsed.error().what);
      return kUsage;
    }
    if (parsed->count() == 0) {
      say("--give-up-after: must be more than 0; without it the pipe waits as long as it takes");
      return kUsage;
    }
    give_up = *parsed;
  }
  const Log log = make_log(options.quiet ? Log::Level::error : Log::Level::warn);
  std::optional<pipeline::Parts> parts = build(options, give_up, log);
  if (!parts) return kUsage;
  if (options.print_config) {
    std::fputs(pipe_yaml(options, Secrets::from_environment)->text.c_str(), stdout);
    if (!options.dead_file.empty() || give_up.count() > 0)
      std::fputs("# --dead and --give-up-after have no place in settings: see dead_letters.\n",
                 stdout);
    return kSettled;
  }
  if (const std::string name = read_and_written(options); !name.empty()) {
    say(name + ": the same file is read: what is written would be read again");
    return kUsage;
  }
  if (options.files.empty() && ::isatty(STDIN_FILENO) != 0 && !options.quiet) {
    say("reads lines from the terminal; end with ctrl-D (or name a file, or pipe something in)");
  }
  say_what_is_awaited(options);
  pipeline::Pipeline pipeline(std::move(*parts));
  SessionRules rules;
  rules.quiet = options.quiet;
  rules.once = !options.follow;
  rules.progress = ::isatty(STDOUT_FILENO) == 0 || !options.targets.empty();
  return run_session(pipeline, rules, log).exit_code;
}

// The flags that change events, in the order in which they stood: CLI11 keeps it in parse_order().
struct StepFlags {
  std::map<const CLI::Option*, std::string> names;

  void add(CLI::App& command, const std::string& flag, const std::string& type,
           const std::string& text) {
    CLI::Option* option =
        type.empty() ? command.add_flag(flag, text) : command.add_option(flag, text);
    if (!type.empty())
      option->type_name(type)->type_size(1)->expected(1)->multi_option_policy(
          CLI::MultiOptionPolicy::TakeAll);
    names[option] = flag;
  }
  [[nodiscard]] std::vector<PipeStep> in_order(const CLI::App& command) const {
    std::vector<PipeStep> steps;
    std::map<const CLI::Option*, std::size_t> used;
    for (const CLI::Option* option : command.parse_order()) {
      const auto name = names.find(option);
      if (name == names.end()) continue;
      const std::vector<std::string> values = option->results();
      const std::size_t at = used[option]++;
      steps.emplace_back(name->second, at < values.size() ? values[at] : "");
    }
    return steps;
  }
};

void add_step_flags(CLI::App& command, StepFlags& steps) {
  steps.add(command, "--unflatten", "SEP",
            "Nest flat keys: http.method becomes {\"http\":{\"method\":…}}.");
  steps.add(command, "--schema", "FILE", "Guide the --unflatten before it by a JSON Schema.");
  steps.add(command, "--drop-nulls", "",
            "Drop nulls at every depth, and what becomes empty by it.");
  steps.add(command, "--client-id", "FROM",
            "Set client_id from PATH, jwt:PATH, basic:PATH or oauth1:PATH (commas: the first that "
            "yields).");
  steps.add(command, "--set", "PATH=VALUE", "Set a value.");
  steps.add(command, "--where", "COND",
            "Keep only events that match, such as 'http.status_code >= 500'.");
}

void add_input_flags(CLI::App& command, PipeOptions& options) {
  command
      .add_option("files", options.files, "Files to read (gz by its content); none or -: stdin.")
      ->type_name("FILE");
  command.add_option("--format", options.format, "What wraps the JSON of a line.")
      ->type_name("auto|json|cri|docker|journald")
      ->check(CLI::IsMember({"auto", "json", "cri", "docker", "journald"}));
  command
      .add_option("--not-json", options.not_json,
                  "Lines that are not JSON: show on stderr, skip, pass as {\"message\":…}, or a "
                  "file for them.")
      ->type_name("show|skip|pass|FILE")
      ->check(not_empty());
  command.add_flag("--follow", options.follow, "Go on reading what is appended to the files.");
}

void add_repeated(CLI::App& command, const std::string& flag, const std::string& type,
                  std::vector<std::string>& values, const std::string& text) {
  command.add_option(flag, values, text)
      ->type_name(type)
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)  // what follows its value is a file to read
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(not_empty());
}

void add_output_flags(CLI::App& command, PipeOptions& options) {
  add_repeated(command, "--to", "TARGET", options.targets,
               "Where to: - (stdout), kafka://host:port/topic, eventgate+https://host/v1/events, "
               "https://…, a file as /x, ./x, file:x.");
  add_repeated(command, "-H,--header", "HEADER", options.headers,
               "A header of HTTP requests: 'Name: value'.");
  add_repeated(command, "-X,--property", "PROP", options.properties,
               "A librdkafka property: name=value.");
  command.add_option("--ca-file", options.ca_file, "Certificates to trust (PEM).")
      ->type_name("FILE")
      ->check(not_empty());
  command
      .add_option("--dead", options.dead_file, "Dead letters go to this file instead of stderr.")
      ->type_name("FILE")
      ->check(not_empty());
  command
      .add_option(
          "--give-up-after", options.give_up_after,
          "End with 1 when events are undelivered so long after the input's end (default: wait).")
      ->type_name("DURATION")
      ->check(not_empty());
}

}  // namespace

void add_pipe(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<PipeOptions>();
  auto steps = std::make_shared<StepFlags>();
  CLI::App* command = app.add_subcommand(
      "pipe", "Read lines from stdin or files, filter, write to stdout or ship.");
  add_step_flags(*command, *steps);
  add_input_flags(*command, *options);
  add_output_flags(*command, *options);
  command->add_flag("-q,--quiet", options->quiet, "No progress, no ledger.");
  command->add_flag("--print-config", options->print_config,
                    "Print the YAML settings that these flags stand for.");
  command->callback([options, steps, command, &exit_code] {
    options->steps = steps->in_order(*command);
    exit_code = pipe(*options);
  });
}

}  // namespace tailgate::app
