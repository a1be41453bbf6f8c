// SPDX-License-Identifier: Apache-2.0
// What the intake loop does beside moving events: dead letters of parse and filters, checkpoints, shutdown.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipeline/pipeline.h"

namespace tailgate::pipeline {
namespace {

constexpr Millis kHousekeeping{1'000};
/// A line that was delivered so long before kill -9 is not sent again.
constexpr Millis kCheckpoint{50};

}  // namespace

void Pipeline::bury(const Spot& spot, std::string_view stage, const std::string& reason,
                    std::string_view event, std::optional<std::size_t> sink) {
  const Chunk& chunk = *spot.chunk;
  const Line& text = spot.text;
  DeadLetter letter;
  letter.source = spot.inlet.name;
  letter.path = chunk.stream().path();
  letter.gen = chunk.stream().gen().text();
  letter.offset = spot.begin;
  letter.stage = stage;
  letter.reason = reason;
  if (sink) letter.sink = parts_.outlets[*sink].name;
  if (text.problem != Line::Problem::none && text.text.empty()) {
    letter.length = chunk.end(spot.line) - chunk.offset(spot.line);
  } else if (!event.empty()) {
    letter.event = event;
  } else {
    letter.raw = {text.text.data() - text.nuls, text.text.size() + text.nuls};
  }
  letter_lines_ += parts_.dead_letters->line(letter);
  metrics::SourceCounters& counters = *spot.inlet.counters;
  metrics::Counter* counter = stage == "parse" ? &counters.dead_parse : &counters.dead_filter;
  if (sink) counter = &parts_.outlets[*sink].counters->dead_filter;
  letters_.push_back({spot.chunk, spot.line, sink, counter});
}

bool Pipeline::commit_letters() {
  if (letters_.empty()) return true;
  const Tick now = parts_.clock->now();
  if (now < letters_retry_) return false;
  const Result<void> committed = parts_.dead_letters->commit(letter_lines_);
  settle_letters();
  if (!committed.has_value()) {
    if (letters_retry_ == Tick{}) parts_.log.error("{}", committed.error().what);
    letters_retry_ = now + kHousekeeping;
    return false;
  }
  if (letters_retry_ != Tick{}) parts_.log.info("dead letters have room again");
  letters_retry_ = Tick{};
  return true;
}

// Those that are durable: what is not has its line in letter_lines_ still.
void Pipeline::settle_letters() {
  const auto left = std::count(letter_lines_.begin(), letter_lines_.end(), '\n');
  const auto first_left = letters_.end() - left;
  for (const Letter& letter : std::span(letters_.begin(), first_left)) {
    letter.counter->add();
    if (letter.sink) {
      letter.chunk->settle(*letter.sink, letter.line, Settled::dead_lettered);
    } else {
      letter.chunk->settle_for_all(letter.line, Settled::dead_at_source);
    }
  }
  letters_.erase(letters_.begin(), first_left);
}

void Pipeline::checkpoint(Tick now) {
  checkpoint_due_ = false;
  next_checkpoint_ = now + kCheckpoint;
  for (Inlet& inlet : parts_.inlets) inlet.source->checkpoint();
}

// With `once`: whether what is left has waited for longer than anybody wants to. Dead letters that cannot be written
// hold reading up, so the sources never finish.
bool Pipeline::gives_up(Tick now, bool finished) {
  if (!finished && letters_retry_ == Tick{}) {
    finished_since_.reset();
    return false;
  }
  if (!finished_since_) finished_since_ = now;
  const Millis patience = parts_.rules.give_up_after;
  return patience.count() > 0 && now - *finished_since_ >= patience;
}

void Pipeline::housekeeping(Tick now) {
  next_housekeeping_ = now + kHousekeeping;
  bool watching = true;
  std::vector<SourceStatus> statuses;
  checkpoint(now);
  for (Inlet& inlet : parts_.inlets) {
    statuses.push_back(inlet.source->status());
    inlet.counters->lag_bytes.set(statuses.back().lag_bytes);
    watching = watching && statuses.back().watching;
  }
  {
    const std::lock_guard lock(status_mutex_);
    statuses_ = std::move(statuses);
  }
  if (watching) ready_.store(true);
  account_blocked(now);
  parts_.dead_letters->sweep();
  if (tick_) tick_();
}

// Charges the time that reading waited to the sinks that hold the credits.
void Pipeline::account_blocked(Tick now) {
  if (!blocked_since_) return;
  const auto waited = std::chrono::duration_cast<Millis>(now - *blocked_since_);
  Outlet* slowest = nullptr;
  for (Outlet& outlet : parts_.outlets) {
    if (slowest == nullptr || outlet.counters->in_flight() > slowest->counters->in_flight())
      slowest = &outlet;
  }
  if (slowest != nullptr)
    slowest->counters->blocked_millis.add(static_cast<std::uint64_t>(waited.count()));
  blocked_since_.reset();
}

bool Pipeline::sources_finished() const {
  return std::all_of(parts_.inlets.begin(), parts_.inlets.end(),
                     [](const Inlet& inlet) { return inlet.source->finished(); });
}

bool Pipeline::rereadable() const {
  return std::all_of(parts_.inlets.begin(), parts_.inlets.end(),
                     [](const Inlet& inlet) { return inlet.source->rereadable(); });
}

bool Pipeline::all_settled() const {
  return letters_.empty() && std::all_of(parts_.outlets.begin(), parts_.outlets.end(),
                                         [](const Outlet& outlet) { return outlet.lane->idle(); });
}

// After a stop request: keeps reading until nothing comes any more, or grace is over.
bool Pipeline::drained(Tick now) {
  if (stops_.load() > 1) return true;
  if (stopping_since_ == Tick{}) begin_drain(now);
  if (now - stopping_since_ >= parts_.rules.grace) return true;
  if (reload_.load()) {
    for (Outlet& outlet : parts_.outlets) outlet.batcher->flush();
    return all_settled();
  }
  const bool quiet = now - std::max(last_byte_, stopping_since_) >= parts_.rules.quiet;
  const bool gone = std::all_of(parts_.inlets.begin(), parts_.inlets.end(),
                                [](const Inlet& inlet) { return inlet.source->writers_gone(); });
  if (!quiet && !gone) return false;
  for (Outlet& outlet : parts_.outlets) outlet.batcher->flush();
  return all_settled();
}

void Pipeline::begin_drain(Tick now) {
  stopping_since_ = now;
  for (Inlet& inlet : parts_.inlets) inlet.source->stopping(now + parts_.rules.grace);
  const std::string grace = human_duration(parts_.rules.grace);
  if (reload_.load()) {
    parts_.log.info("settings changed: delivers what is under way, at most {}", grace);
  } else {
    parts_.log.info("stopping: reads on until nothing comes for {}, at most {}",
                    human_duration(parts_.rules.quiet), grace);
  }
}

Ending Pipeline::finish(bool gave_up) {
  Ending ending;
  ending.sink_closed = true;
  ending.reload = reload_.load() && stops_.load() == 0;
  ending.gave_up = gave_up;
  for (Outlet& outlet : parts_.outlets) {
    outlet.batcher->flush();
    ending.sink_closed = ending.sink_closed && outlet.lane->status().closed;
  }
  const Tick now = parts_.clock->now();
  const bool at_once = gave_up || ending.sink_closed || stops_.load() > 1;
  const Tick deadline =
      stopping_since_ == Tick{} ? now + Millis(1'000) : stopping_since_ + parts_.rules.grace;
  for (Outlet& outlet : parts_.outlets) outlet.lane->stop(at_once ? now : std::max(now, deadline));
  (void)commit_letters();
  ending.settled = all_settled();
  housekeeping(now);
  for (Inlet& inlet : parts_.inlets) inlet.source->ends();
  return ending;
}

std::vector<Pipeline::SourceView> Pipeline::sources() const {
  const std::lock_guard lock(status_mutex_);
  std::vector<SourceView> views;
  for (std::size_t i = 0; i < parts_.inlets.size(); ++i) {
    views.push_back({parts_.inlets[i].name, parts_.inlets[i].counters.get(), statuses_[i]});
  }
  return views;
}

std::vector<Pipeline::SinkView> Pipeline::sinks() const {
  std::vector<SinkView> views;
  for (const Outlet& outlet : parts_.outlets) {
    views.push_back({outlet.name, outlet.type, outlet.counters.get(), outlet.lane->status()});
  }
  return views;
}

}  // namespace tailgate::pipeline
