// SPDX-License-Identifier: Apache-2.0
#include "app/dead_replay.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/replay.h"
#include "app/session.h"
#include "base/units.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

// Letters that take the same way: where they come in, and the sink they are for (empty: all).
struct Way {
  std::string
      stage;  // "sink": behind the filters; "filter" with a sink: before that sink's own; otherwise the start
  std::string sink;
  std::string source;
  auto operator<=>(const Way&) const = default;
};

Way way_of(const StoredLetter& letter) {
  if (letter.sink.empty()) return {"start", "", letter.source};
  return {letter.stage, letter.sink, letter.source};
}

// Narrows a pipeline to one way.
bool narrow(pipeline::Parts& parts, const Way& way, const std::vector<const StoredLetter*>& letters,
            ReplaySource*& source) {
  auto own = std::make_unique<ReplaySource>(letters, parts.outlets.size());
  source = own.get();
  std::vector<pipeline::Inlet> inlets;
  for (pipeline::Inlet& inlet : parts.inlets) {
    if (inlet.name == way.source || (inlets.empty() && &inlet == &parts.inlets.back())) {
      inlet.source = std::move(own);
      inlets.push_back(std::move(inlet));
      break;
    }
  }
  parts.inlets = std::move(inlets);
  if (parts.inlets.empty()) return false;
  parts.inlets.front().name = way.source;
  if (way.sink.empty()) return true;
  parts.inlets.front().parser = pipeline::LineParser({});
  parts.inlets.front().filters = {};
  parts.filters = {};
  bool found = false;
  for (pipeline::Outlet& outlet : parts.outlets) {
    outlet.enabled = outlet.name == way.sink;
    found = found || outlet.enabled;
    outlet.when.reset();
    if (way.stage == "sink") outlet.filters = {};
  }
  return found;
}

// What became of the letters of all runs.
struct Sums {
  std::size_t chosen = 0;
  std::size_t delivered = 0;
  std::size_t came_back = 0;
  std::size_t filtered = 0;

  void print(bool dry_run) const {
    const std::string letters = counted(chosen, "dead letter", "dead letters");
    if (dry_run) return fmt::print("{} would be sent again\n", letters);
    fmt::print("{} sent again: {} delivered, {} came back as dead letters", letters, delivered,
               came_back);
    if (filtered > 0) fmt::print(", {} filtered", filtered);
    const std::size_t stay = chosen - delivered - came_back - filtered;
    if (stay > 0) fmt::print(", {} not settled: they stay", stay);
    fmt::print("\n");
  }
};

struct Replayer {
  const settings::Node& root;
  const pipeline::General& general;
  pipeline::BuildContext context;
  Log log;

  // Marks in `gone` the letters that are settled, and counts them. The exit code of the run.
  int run(const Way& way, const std::vector<const StoredLetter*>& letters,
          std::set<const StoredLetter*>& gone, Sums& sums) const {
    settings::Problems problems;
    std::optional<pipeline::Parts> parts = pipeline::build(
        root, general,
        pipeline::DeadLetters::in_folder(general.dead_letter_folder, general.dead_letter_limits,
                                         *context.clock, log),
        context, problems);
    if (say_problems(problems) || !parts) return kUsage;
    ReplaySource* source = nullptr;
    if (!narrow(*parts, way, letters, source)) {
      std::fprintf(stderr,
                   "tailgate: the settings have no sink \"%s\" any more; its %zu letters stay\n",
                   way.sink.c_str(), letters.size());
      return kUndelivered;
    }
    pipeline::Pipeline pipeline(std::move(*parts));
    SessionRules rules;
    rules.progress = true;
    rules.waits_safely = true;
    rules.waits_in = "stays in the dead letters";
    int code = run_session(pipeline, rules, log).exit_code;
    for (std::size_t i = 0; i < letters.size(); ++i) {
      const ReplaySource::Outcome outcome = source->outcome(i);
      if (outcome == ReplaySource::Outcome::waiting) {
        code = kUndelivered;
      } else {
        gone.insert(letters[i]);
      }
      sums.delivered += outcome == ReplaySource::Outcome::delivered ? 1 : 0;
      sums.came_back += outcome == ReplaySource::Outcome::came_back ? 1 : 0;
      sums.filtered += outcome == ReplaySource::Outcome::filtered ? 1 : 0;
    }
    return code;
  }
};

// The letters of one file that were chosen are sent again, and those that are settled are dropped. The worst exit code.
int replay_file(const Replayer& replayer, const DeadOptions& options, const std::string& file,
                Sums& sums) {
  // Held from before the first is read until the last is dropped: nothing is sent that could not be dropped then.
  const auto held = LetterLock::take(file);
  if (!held.has_value()) {
    std::fprintf(stderr, "tailgate: skipped: %s\n", held.error().what.c_str());
    return kUndelivered;
  }
  std::vector<std::unique_ptr<StoredLetter>> letters;
  std::map<Way, std::vector<const StoredLetter*>> ways;
  (void)each_letter(file, [&](const StoredLetter& letter) {
    letters.push_back(std::make_unique<StoredLetter>(letter));
    const bool has_text = !letter.event.empty() || !letter.raw.empty();
    if (!letter.torn && has_text && options.choice.takes(letter))
      ways[way_of(letter)].push_back(letters.back().get());
  });
  int worst = kSettled;
  std::set<const StoredLetter*> gone;
  for (const auto& [way, chosen] : ways) {
    sums.chosen += chosen.size();
    if (options.dry_run) {
      fmt::print("{}: {} {}\n", file, counted(chosen.size(), "letter", "letters"),
                 way.sink.empty() ? "from the start" : "to " + way.sink);
    } else {
      worst = worse(worst, replayer.run(way, chosen, gone, sums));
    }
  }
  if (gone.empty()) return worst;
  std::size_t at = 0;
  const auto dropped = drop_letters(*held, file, [&](const StoredLetter&) {
    const std::size_t index = at++;
    return index < letters.size() && gone.contains(letters[index].get());
  });
  if (!dropped.has_value()) {
    std::fprintf(stderr, "tailgate: %s; replayed letters may be replayed again\n",
                 dropped.error().what.c_str());
    worst = worse(worst, kUndelivered);
  }
  return worst;
}

}  // namespace

int replay(const DeadOptions& options, const std::string& place) {
  block_signals();
  const Log log = make_log(Log::Level::warn);
  settings::Problems problems;
  const settings::Node root =
      settings::read_file(options.config, settings::process_environment(), problems);
  pipeline::General general = pipeline::read_general(root, problems);
  if (say_problems(problems)) return kUsage;
  const auto give_up = parse_duration(options.give_up_after);
  if (!give_up.has_value()) {
    std::fprintf(stderr, "tailgate: --give-up-after: %s\n", give_up.error().what.c_str());
    return kUsage;
  }
  general.run.give_up_after = *give_up;
  Replayer replayer{root, general, {}, log};
  replayer.context.clock = std::make_shared<SystemClock>();
  replayer.context.log = log;
  replayer.context.once = true;
  const auto files = letter_files(place);
  if (!files.has_value()) {
    std::fprintf(stderr, "tailgate: %s\n", files.error().what.c_str());
    return kUndelivered;
  }
  int worst = kSettled;
  Sums sums;
  for (const std::string& file : *files)
    worst = worse(worst, replay_file(replayer, options, file, sums));
  sums.print(options.dry_run);
  return worst;
}

}  // namespace tailgate::app
