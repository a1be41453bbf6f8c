// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/admin.h"
#include "app/commands.h"
#include "app/session.h"
#include "settings/address.h"
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

// What a new process would find taken; empty: nothing.
std::string cannot_have(const pipeline::General& wanted, const pipeline::General& running) {
  const auto port = [](const std::string& listen) {
    const auto address = settings::Address::parse(listen);
    return address ? address->port : 0;
  };
  if (wanted.admin_listen != "none" && port(wanted.admin_listen) != port(running.admin_listen)) {
    if (auto free = AdminServer::try_listen(wanted.admin_listen); !free.has_value())
      return free.error().what;
  }
  if (!wanted.data_dir.empty() && wanted.data_dir != running.data_dir) {
    auto opened = state::Store::open({wanted.data_dir, Millis(0), wanted.data_dir_on_network, {}});
    if (!opened.has_value()) return opened.error().what;
  }
  return {};
}

// A dry build: what a new process would say of the file as it is now.
bool settings_work(const RunOptions& options, const pipeline::General& running, const Log& log) {
  settings::Problems problems;
  const settings::Node root =
      settings::read_file(options.config, settings::process_environment(), problems);
  const pipeline::General general = pipeline::read_general(root, problems);
  pipeline::BuildContext context;
  context.clock = std::make_shared<SystemClock>();
  context.log = log;
  context.need_data_dir = true;
  const auto parts = pipeline::build(
      root, general, pipeline::DeadLetters::to_stderr(*context.clock, log), context, problems);
  std::string trouble;
  if (!say_problems(problems) && parts) trouble = cannot_have(general, running);
  if (!problems.any() && parts && trouble.empty()) return true;
  log.error("the new settings do not work{}{}; the old ones go on", trouble.empty() ? "" : ": ",
            trouble);
  return false;
}

// Where the exit code of what a process did before it began again is kept.
constexpr const char* kEarlier = "TAILGATE_EARLIER_EXIT_CODE";

int take_earlier_code() {
  const char* const text = std::getenv(kEarlier);
  const int code = text == nullptr ? static_cast<int>(kSettled) : std::atoi(text);
  ::unsetenv(kEarlier);
  return code;
}

// The same process begins again, so that its supervisor sees no end: execve(2) keeps the pid.
int begin_again(const Log& log, int code) {
  ::setenv(kEarlier, std::to_string(code).c_str(), 1);
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::error_code ignored;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  // An upgrade replaced it.
  constexpr std::string_view kDeleted = " (deleted)";
  if (program.ends_with(kDeleted)) program.resize(program.size() - kDeleted.size());
  ::execv(program.c_str(), argv.data());
  log.error("{} cannot be started again: {}; ends", program, std::strerror(errno));
  return kUndelivered;
}

pipeline::DeadLetters letters_of(const pipeline::General& general, const Clock& clock,
                                 const Log& log) {
  if (general.dead_letter_folder.empty()) return pipeline::DeadLetters::to_stderr(clock, log);
  return pipeline::DeadLetters::in_folder(general.dead_letter_folder, general.dead_letter_limits,
                                          clock, log);
}

// Gives back the pages of the program and its libraries that only the start needed; they come from their files again when
// they are used (madvise(2), MADV_DONTNEED). Only of mappings in which no page is other than its file's: what the loader
// relocated, or a debugger or a probe wrote into, stays. See proc_pid_smaps(5).
void give_back_start() {
  struct Mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::array<char, 5> rights{};
    unsigned long inode = 0;
  };
  std::vector<Mapping> unchanged;
  std::ifstream maps("/proc/self/smaps");
  Mapping at;
  for (std::string line; std::getline(maps, line);) {
    Mapping next;
    if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %lu", &next.begin, &next.end,
                    next.rights.data(), &next.inode) == 4) {
      at = next;
    } else if (line.starts_with("Anonymous:") && std::atol(line.c_str() + 10) == 0) {
      const bool read_only = at.rights[1] == '-' && at.rights[3] == 'p';
      if (read_only && at.inode != 0) unchanged.push_back(at);
    }
  }
  for (const Mapping& one : unchanged)
    ::madvise(reinterpret_cast<void*>(one.begin), one.end - one.begin, MADV_DONTNEED);
}

SessionEnd session(const RunOptions& options, const Log& log) {
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
  std::unique_ptr<state::Store> store;
  if (!problems.any() && !general.data_dir.empty()) {
    const auto begins = [&](const std::string& holder) {
      log.warn("{}: {} uses it; waits for its end, at most {}", general.data_dir, holder,
               human_duration(general.run.grace));
    };
    auto opened = state::Store::open(
        {general.data_dir, general.run.grace, general.data_dir_on_network, {begins, stop_waits}});
    if (!opened.has_value() && stop_waits()) return {kSettled};
    if (!opened.has_value()) {
      log.error("{}", opened.error().what);
      return {kUndelivered};
    }
    store = std::move(*opened);
    context.store = store.get();
  }
  std::optional<pipeline::Parts> parts =
      pipeline::build(root, general, letters_of(general, *context.clock, log), context, problems);
  if (say_problems(problems) || !parts) return {kUsage};
  pipeline::Pipeline pipeline(std::move(*parts));
  std::unique_ptr<AdminServer> admin;
  if (general.admin_listen != "none" && !options.once) {
    auto started = AdminServer::start(general.admin_listen, pipeline, log.named("admin"));
    if (!started.has_value()) {
      log.error("{}", started.error().what);
      return {kUndelivered};
    }
    admin = std::move(*started);
  }
  SessionRules rules;
  rules.once = rules.progress = options.once;
  rules.logged = true;
  rules.waits_safely = store != nullptr && pipeline.rereadable();
  rules.reload = [&] {
    if (pipeline.rereadable()) return settings_work(options, general, log);
    log.error("not reloaded: a source cannot be read again, so what it holds would be lost");
    return false;
  };
  give_back_start();
  return run_session(pipeline, rules, log);
}

// What is freed goes back to the system: glibc would else raise this threshold with each large body freed, and keep the
// holes between those that wait as resident memory beyond memory_limit.
void give_back_bodies() {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
#endif
}

// The usual limit is low for the sake of programs that use select(2); each log that is followed takes a descriptor.
void raise_descriptor_limit(const Log& log) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log.debug("the limit of {} descriptors cannot be raised: {}", before, std::strerror(errno));
}

int run(const RunOptions& options) {
  block_signals();
  give_back_bodies();
  const int earlier = take_earlier_code();
  const Log log = make_log(level_of(options));
  raise_descriptor_limit(log);
  const SessionEnd end = session(options, log);
  const int code = worse(end.exit_code, earlier);
  return end.reload ? begin_again(log, code) : code;
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
