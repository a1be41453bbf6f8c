// SPDX-License-Identifier: Apache-2.0
// The data's way, in one place. What happens after the buffer is in lane.cpp and sender.cpp.
#include "pipeline/pipeline.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <stdexcept>
#include <utility>

#include "json/write.h"

namespace tailgate::pipeline {
namespace {

constexpr Millis kHousekeeping{1'000};

}  // namespace

Pipeline::Pipeline(Parts parts) : parts_(std::move(parts)) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) throw std::runtime_error("no descriptors for the intake loop");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = parts_.wake->fd();
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, event.data.fd, &event);
  for (const Inlet& inlet : parts_.inlets) {
    const int fd = inlet.source->wait_fd();
    if (fd < 0) continue;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  wakeups_.resize(parts_.inlets.size());
  deaf_.resize(parts_.inlets.size());
  for (const Inlet& inlet : parts_.inlets) hot_paths_.push_back(hot_path(inlet));
  statuses_.resize(parts_.inlets.size());
}

// What the sinks look at of an event must be at hand; one with filters of its own needs all of it.
std::unique_ptr<HotPath> Pipeline::hot_path(const Inlet& inlet) const {
  std::vector<json::Path> reads;
  bool whole = false;
  for (const Outlet& outlet : parts_.outlets) {
    whole = whole || (outlet.enabled && !outlet.filters.empty());
    if (outlet.when) {
      for (json::Path& path : outlet.when->paths()) reads.push_back(std::move(path));
    }
    for (json::Path& path : outlet.codec->reads()) reads.push_back(std::move(path));
  }
  return std::make_unique<HotPath>(HotPath::Rules{.chains = {&inlet.filters, &parts_.filters},
                                                  .reads = std::move(reads),
                                                  .foreign = inlet.parser.wrapper_key(),
                                                  .enabled = !whole});
}

Pipeline::~Pipeline() {
  for (Outlet& outlet : parts_.outlets) outlet.lane->stop(Tick{});
  ::close(epoll_);
}

Ending Pipeline::run() {
  for (Outlet& outlet : parts_.outlets) outlet.lane->start();
  last_byte_ = parts_.clock->now();
  while (true) {
    const Tick now = parts_.clock->now();
    beat_.store(now.time_since_epoch().count());
    // Discovery always goes on; only reading waits for credit.
    for (std::size_t i = 0; i < parts_.inlets.size(); ++i)
      wakeups_[i] = parts_.inlets[i].source->watch(now);
    const bool progressed = read_once(now);
    if (!progressed) {
      for (Outlet& outlet : parts_.outlets) {
        if (outlet.flush_when_idle) outlet.batcher->flush();
      }
    }
    for (Outlet& outlet : parts_.outlets) outlet.batcher->flush_old(now);
    if (progressed) checkpoint_due_ = true;
    if (checkpoint_due_ && now >= next_checkpoint_) checkpoint(now);
    if (now >= next_housekeeping_) housekeeping(now);
    const auto closed = [](const Outlet& outlet) { return outlet.lane->status().closed; };
    if (std::all_of(parts_.outlets.begin(), parts_.outlets.end(), closed)) return finish(false);
    for (Outlet& outlet : parts_.outlets) {
      if (closed(outlet)) outlet.lane->discard();  // the others go on
    }
    if ((stops_.load() > 0 || reload_.load()) && drained(now)) return finish(false);
    // With `once` every source has an end, otherwise stdin alone.
    const bool finished = sources_finished();
    if (finished) {
      for (Outlet& outlet : parts_.outlets) outlet.batcher->flush();
      if (all_settled()) return finish(false);
    }
    if (parts_.rules.once && gives_up(now, finished)) return finish(true);
    if (!progressed) wait(now + kHousekeeping);
  }
}

// One read of every source that has something, while there is credit.
bool Pipeline::read_once(Tick now) {
  if (!commit_letters() || reload_.load()) return false;
  bool progressed = false;
  const std::size_t sources = parts_.inlets.size();
  const std::size_t first = turn_;
  for (std::size_t n = 0; n < sources; ++n) {
    const std::size_t i = (first + n) % sources;
    if (!wakeups_[i].ready) continue;
    if (!parts_.credits->has_room()) {
      if (!blocked_since_) blocked_since_ = now;
      return progressed;
    }
    account_blocked(now);
    turn_ = (i + 1) % sources;  // with little credit, the others come first
    Inlet& inlet = parts_.inlets[i];
    const std::optional<Lines> lines = inlet.source->read(parts_.rules.read_bytes);
    if (!lines) {
      wakeups_[i].deaf = false;  // a piece of a line: its rest may be there already
      continue;
    }
    progressed = true;
    last_byte_ = now;
    take(i, *lines, now);
  }
  return progressed;
}

void Pipeline::take(std::size_t inlet, const Lines& lines, Tick now) {
  const Chunk& chunk = *lines.chunk;
  const std::size_t sinks = parts_.outlets.size();
  const WallTime read_at = lines.read_at ? *lines.read_at : parts_.clock->wall();
  std::map<std::uint64_t, std::vector<std::uint32_t>> open;  // parts whose rest is further on
  for (std::uint32_t line = 0; line < chunk.lines(); ++line) {
    if (chunk.resumed()) {
      // Read again after a restart: settled for every sink means done and counted.
      std::size_t settled = 0;
      while (settled < sinks && chunk.settled(line, settled)) ++settled;
      if (settled == sinks) continue;
    }
    const Line& text = lines.lines[line];
    if (lines.parts && text.problem == Line::Problem::none) {
      const Part part = part_of(text.text, parts_.inlets[inlet].parser.format());
      if (part.partial || open.contains(part.key)) {
        open[part.key].push_back(line);
        if (part.partial) continue;
        take_joined(inlet, lines, open.extract(part.key).mapped(), now);
        continue;
      }
    }
    take_line({parts_.inlets[inlet], lines.chunk, line, text, chunk.offset(line), now},
              *hot_paths_[inlet], read_at);
  }
  // Their rest will not come.
  for (const auto& [output, parts] : open) take_joined(inlet, lines, parts, now);
  (void)commit_letters();
}

// The parts of one line: one event, of which the last part carries the others.
void Pipeline::take_joined(std::size_t inlet, const Lines& lines,
                           std::span<const std::uint32_t> parts, Tick now) {
  Chunk& chunk = *lines.chunk;
  const std::uint32_t last = parts.back();
  const auto others = parts.first(parts.size() - 1);
  joined_.clear();
  for (const std::uint32_t part : others) {
    joined_.append(lines.lines[part].text).push_back('\n');
    parts_.inlets[inlet].counters->read_bytes.add(chunk.end(part) - chunk.offset(part));
  }
  joined_.append(lines.lines[last].text);
  const std::size_t size = joined_.size();
  joined_.append(json::kPadding, '\0');
  if (!others.empty()) chunk.carry(last, others);
  Line line{{joined_.data(), size}};
  line.joined = !others.empty();
  take_line({parts_.inlets[inlet], lines.chunk, last, line, chunk.offset(parts.front()), now},
            *hot_paths_[inlet], lines.read_at ? *lines.read_at : parts_.clock->wall());
}

// One line becomes one event, by the hot path or, where the line surprises it, by the general one.
void Pipeline::take_line(const Spot& spot, HotPath& hot, WallTime read_at) {
  Inlet& inlet = spot.inlet;
  const Chunk& chunk = *spot.chunk;
  inlet.counters->read_lines.add();
  inlet.counters->read_bytes.add(chunk.end(spot.line) - chunk.offset(spot.line));
  arena_.reset();
  json::Event event(arena_);
  event.origin = {chunk.stream().gen(), spot.begin, read_at};

  const auto text = inlet.parser.unwrap(spot.text, arena_);
  if (!text.has_value()) return refused(spot, "parse", text.error());
  // A wrapper around an empty line: without one it would not have been a line.
  if (text->empty()) return drop(spot, inlet.counters->filtered_empty);
  const HotPath::Took took = hot.take(*text, event);
  if (took != HotPath::Took::general) (void)chunk.tried(true);
  if (took == HotPath::Took::dropped) return drop(spot, inlet.counters->filtered_by_filter);
  if (took == HotPath::Took::general && !filter(spot, *text, event)) return;
  const std::string_view left = took == HotPath::Took::event ? hot.text() : std::string_view(text_);
  if (left == "{}") return drop(spot, inlet.counters->filtered_empty);
  dispatch(spot, event, left);
}

// The general path: parse, then filters on the event's tree. False: the line ended here.
bool Pipeline::filter(const Spot& spot, std::string_view text, json::Event& event) {
  Inlet& inlet = spot.inlet;
  const auto parsed = inlet.parser.parse(text, event);
  if (!parsed.has_value()) return refused(spot, "parse", parsed.error()), false;
  if (*parsed == LineParser::Parsed::skipped) {
    (void)spot.chunk->tried(true);
    return drop(spot, inlet.counters->filtered_not_json), false;
  }
  if (event.duplicate_keys > 0) inlet.counters->duplicate_keys.add(event.duplicate_keys);

  for (const Chain* chain : {&inlet.filters, &parts_.filters}) {
    const Result<Verdict> verdict = chain->apply(event);
    if (!verdict.has_value()) return refused(spot, "filter", verdict.error()), false;
    if (*verdict == Verdict::drop) {
      (void)spot.chunk->tried(true);
      return drop(spot, inlet.counters->filtered_by_filter), false;
    }
  }
  (void)spot.chunk->tried(true);
  text_.clear();
  json::write(event, text_);
  return true;
}

// A line that no sink will see: it cannot be parsed, or a filter fails on it.
void Pipeline::refused(const Spot& spot, std::string_view stage, const Error& error) {
  const Chunk& chunk = *spot.chunk;
  if (chunk.tried(false)) {
    parts_.log.named("source " + spot.inlet.name)
        .error(
            "{}: none of its first {} lines could be {} (the last: {}); if it is a file, it is "
            "read "
            "no further in this run",
            chunk.stream().path(), Stream::kTrial, stage == "parse" ? "parsed" : "filtered",
            error.what);
  }
  bury(spot, stage, error.what);
}

void Pipeline::drop(const Spot& spot, metrics::Counter& counter) {
  counter.add();
  spot.chunk->settle_for_all(spot.line, Settled::filtered);
}

// `text`: the event as JSON; `event` holds at least what conditions and codecs look at.
void Pipeline::dispatch(const Spot& spot, const json::Event& event, std::string_view text) {
  bool routed = false;
  const auto& chunk = spot.chunk;
  for (std::size_t sink = 0; sink < parts_.outlets.size(); ++sink) {
    Outlet& outlet = parts_.outlets[sink];
    if (!outlet.enabled || (outlet.when && !outlet.when->matches(event))) {
      chunk->settle(sink, spot.line, Settled::passed_by);
      continue;
    }
    routed = true;
    if (chunk->resumed() && chunk->settled(spot.line, sink)) continue;
    outlet.counters->dispatched.add();
    if (outlet.filters.empty()) {
      add(spot, sink, event, text);
    } else {
      add_filtered(spot, sink, event, text);
    }
  }
  (routed ? spot.inlet.counters->dispatched : spot.inlet.counters->filtered_unrouted).add();
}

// The event's last step on this thread: into its batch.
void Pipeline::add(const Spot& spot, std::size_t sink, const json::Event& event,
                   std::string_view text) {
  Batcher& batcher = *parts_.outlets[sink].batcher;
  const Result<void> added = batcher.add(event, text, spot.chunk, spot.line, spot.now);
  if (!added.has_value()) bury(spot, "filter", added.error().what, text, sink);
}

// The same, by the sink's own filters.
void Pipeline::add_filtered(const Spot& spot, std::size_t sink, const json::Event& event,
                            std::string_view text) {
  Outlet& outlet = parts_.outlets[sink];
  json::Event own = event.clone();
  const Result<Verdict> verdict = outlet.filters.apply(own);
  if (!verdict.has_value()) return bury(spot, "filter", verdict.error().what, text, sink);
  if (*verdict == Verdict::drop || own.root().size == 0) {
    outlet.counters->dropped_by_filter.add();
    return spot.chunk->settle(sink, spot.line, Settled::dropped);
  }
  changed_.clear();
  json::write(own, changed_);
  add(spot, sink, own, changed_);
}

bool Pipeline::beats(Tick since) const {
  return beat_.load() >= since.time_since_epoch().count();
}

void Pipeline::request_stop() {
  stops_.fetch_add(1);
  parts_.wake->call();
}

void Pipeline::request_reload() {
  reload_.store(true);
  parts_.wake->call();
}

// An input that cannot be read on, for its end or for want of credit, must not keep the loop awake.
void Pipeline::hear() {
  for (std::size_t i = 0; i < wakeups_.size(); ++i) {
    const int fd = parts_.inlets[i].source->wait_fd();
    if (fd < 0 || deaf_[i] == wakeups_[i].deaf) continue;
    deaf_[i] = wakeups_[i].deaf;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    // Removed, not masked: a hang-up is told of in any case.
    ::epoll_ctl(epoll_, deaf_[i] ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, fd, &event);
  }
}

void Pipeline::wait(Tick until) {
  for (const Wakeup& wakeup : wakeups_) {
    if (wakeup.at) until = std::min(until, *wakeup.at);
  }
  for (const Outlet& outlet : parts_.outlets) {
    if (const auto due = outlet.batcher->due()) until = std::min(until, *due);
  }
  if (checkpoint_due_) until = std::min(until, next_checkpoint_);
  hear();
  const auto left = std::chrono::ceil<Millis>(until - parts_.clock->now()).count();
  std::array<epoll_event, 16> events{};
  parts_.wake->wanted(true);
  // Credit, or the end, may have come since they were looked for.
  const bool offered = parts_.wake->offered();
  const auto most = offered ? 0 : std::clamp<Millis::rep>(left, 0, 60'000);
  const int count =
      ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(most));
  // A lane did something: lines may have settled.
  checkpoint_due_ = checkpoint_due_ || offered;
  for (int i = 0; i < count; ++i) {
    if (events[static_cast<std::size_t>(i)].data.fd == parts_.wake->fd()) checkpoint_due_ = true;
  }
  parts_.wake->wanted(false);
}

}  // namespace tailgate::pipeline
