// SPDX-License-Identifier: Apache-2.0
#include "app/session.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <thread>

#include "app/commands.h"
#include "base/units.h"

namespace tailgate::app {
namespace {

sigset_t session_signals() {
  sigset_t signals{};
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, number);
  return signals;
}

// Waits for signals on a thread of its own: nothing runs in a handler. SIGUSR1 ends it.
class SignalThread {
 public:
  SignalThread(pipeline::Pipeline& pipeline, const std::function<bool()>& reload) {
    thread_ = std::thread([this, &pipeline, &reload] {
      int number = 0;
      while (sigwait(&signals_, &number) == 0 && !ended_.load()) {
        if (number == SIGUSR1) continue;  // somebody else's
        if (number != SIGHUP || !reload) {
          pipeline.request_stop();
        } else if (reload()) {
          pipeline.request_reload();
        }
      }
    });
  }
  ~SignalThread() {
    ended_.store(true);
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  const sigset_t signals_ = session_signals();
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

struct Totals {
  std::uint64_t dead = 0;
  std::uint64_t undelivered = 0;
  std::uint64_t read = 0;
  std::uint64_t lost_bytes = 0;
  std::uint64_t unread_inputs = 0;
};

// Lines read that are in no other term of the source's law: their dead letters could not be written.
std::uint64_t waiting_in(const metrics::SourceCounters& c) {
  return c.read_lines.value() - c.filtered() - c.dead_parse.value() - c.dead_filter.value() -
         c.dispatched.value();
}

Totals totals_of(const pipeline::Pipeline& pipeline) {
  Totals totals;
  for (const auto& source : pipeline.sources()) {
    totals.read += source.counters->read_lines.value();
    totals.dead += source.counters->dead_parse.value() + source.counters->dead_filter.value();
    totals.lost_bytes += source.counters->lost_bytes.value();
    totals.unread_inputs += source.counters->unread_inputs.value();
    totals.undelivered += waiting_in(*source.counters);
  }
  for (const auto& sink : pipeline.sinks()) {
    totals.dead += sink.counters->dead_filter.value() + sink.counters->dead_sink.value();
    totals.undelivered += sink.counters->in_flight();
  }
  return totals;
}

// Bytes, events a second, time left; on one line that overwrites itself.
class Progress {
 public:
  explicit Progress(const pipeline::Pipeline& pipeline)
      : pipeline_(pipeline), begun_(std::chrono::steady_clock::now()) {}
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show() {
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    if (seconds < 1) return;
    std::uint64_t read = 0;
    std::uint64_t lines = 0;
    std::uint64_t total = 0;
    for (const auto& source : pipeline_.sources()) {
      read += source.counters->read_bytes.value();
      lines += source.counters->read_lines.value();
      total += source.status.total_bytes;
    }
    std::string text = fmt::format("{} read, {:.0f} events/s", human_bytes(read),
                                   static_cast<double>(lines) / seconds);
    if (total > read && read > 0) {
      const double left = static_cast<double>(total - read) / (static_cast<double>(read) / seconds);
      text += fmt::format(", {:.0f} %, {} left",
                          100.0 * static_cast<double>(read) / static_cast<double>(total),
                          human_duration(Millis(static_cast<Millis::rep>(left + 1) * 1000)));
    }
    for (const auto& sink : pipeline_.sinks()) {
      if (sink.status.state != pipeline::LaneStatus::State::up) {
        text += fmt::format(" · {} is down: {}", sink.name, sink.status.reason);
      }
    }
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
    shown_ = true;
  }

 private:
  const pipeline::Pipeline& pipeline_;
  std::chrono::steady_clock::time_point begun_;
  bool shown_ = false;
};

// Without a terminal's progress line: one line every 10 s while something waits.
class WaitingNote {
 public:
  WaitingNote(const pipeline::Pipeline& pipeline, const Log& log)
      : pipeline_(pipeline), log_(log) {}
  void tick() {
    if (++ticks_ % 10 != 0) return;
    for (const auto& sink : pipeline_.sinks()) {
      if (sink.status.state == pipeline::LaneStatus::State::up) continue;
      log_.warn("{}: {}: {}", sink.name,
                counted(sink.counters->in_flight(), "event waits", "events wait"),
                sink.status.reason);
    }
  }

 private:
  const pipeline::Pipeline& pipeline_;
  const Log& log_;
  unsigned ticks_ = 0;
};

// A text of several lines: on a terminal as it is, otherwise as lines of the log where all of stderr is one.
void say_lines(std::string_view text, bool logged, const Log& log) {
  if (!logged || ::isatty(STDERR_FILENO) != 0) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    return;
  }
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    log.info("{}", text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void block_signals() {
  const sigset_t signals = session_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

bool stop_waits() {
  sigset_t pending{};
  sigpending(&pending);
  return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

std::string ledger_text(const pipeline::Pipeline& pipeline) {
  std::string text;
  for (const auto& source : pipeline.sources()) {
    const metrics::SourceCounters& c = *source.counters;
    const std::uint64_t waiting = waiting_in(c);
    text += fmt::format("{}: read {} = filtered {} + dead-lettered {} + dispatched {}{}\n",
                        source.name, c.read_lines.value(), c.filtered(),
                        c.dead_parse.value() + c.dead_filter.value(), c.dispatched.value(),
                        waiting > 0 ? fmt::format(" + waiting {}", waiting) : "");
    if (c.unread_inputs.value() > 0)
      text += fmt::format("{}: {} could not be read\n", source.name,
                          counted(c.unread_inputs.value(), "input", "inputs"));
    if (c.lost_bytes.value() > 0) {
      text += fmt::format(
          "{}: {} were truncated, deleted, damaged or cut off before they could be read\n",
          source.name, human_bytes(c.lost_bytes.value()));
    }
    for (const auto& [sink, tally] : source.status.settled) {
      const auto of = [&counts = tally](Settled kind) {
        return counts[static_cast<std::size_t>(kind)];
      };
      text += fmt::format(
          "{} to {}, ever: delivered {}, dead-lettered {}, filtered {}, dropped {}, not for it "
          "{}\n",
          source.name, sink, of(Settled::delivered),
          of(Settled::dead_lettered) + of(Settled::dead_at_source), of(Settled::filtered),
          of(Settled::dropped), of(Settled::passed_by));
    }
  }
  for (const auto& sink : pipeline.sinks()) {
    const metrics::SinkCounters& c = *sink.counters;
    text += fmt::format(
        "{}: dispatched {} = delivered {} + dead-lettered {} + dropped {} + waiting {}\n",
        sink.name, c.dispatched.value() + c.recovered.value(), c.delivered.value(),
        c.dead_filter.value() + c.dead_sink.value(),
        c.dropped_by_filter.value() + c.dropped_closed.value(), c.in_flight());
  }
  return text;
}

SessionEnd run_session(pipeline::Pipeline& pipeline, const SessionRules& rules, const Log& log) {
  pipeline::Ending ending;
  {
    const SignalThread signals(pipeline, rules.reload);
    Progress progress(pipeline);
    WaitingNote waiting(pipeline, log);
    const bool on_terminal = rules.progress && !rules.quiet && ::isatty(STDERR_FILENO) != 0;
    pipeline.on_tick([&] {
      if (on_terminal) {
        progress.show();
      } else if (!rules.quiet) {
        waiting.tick();
      }
    });
    ending = pipeline.run();
    pipeline.on_tick({});
  }
  // A signal that came after the loop had ended counts too.
  if (pipeline.stop_requested()) ending.reload = false;
  const Totals totals = totals_of(pipeline);
  if (ending.sink_closed) return {kSettled};
  if (!rules.quiet && rules.ledger) say_lines(ledger_text(pipeline), rules.logged, log);
  if (!ending.settled) {
    const std::string what = fmt::format(
        "{} undelivered; what is left {}", counted(totals.undelivered, "event is", "events are"),
        rules.waits_safely ? fmt::format("{}{}", rules.waits_in,
                                         totals.lost_bytes > 0 ? ", but for what is lost" : "")
                           : "is not kept: feed the input again");
    if (rules.logged && ::isatty(STDERR_FILENO) == 0) {
      log.warn("{}", what);
    } else {
      std::fprintf(stderr, "tailgate: %s\n", what.c_str());
    }
    if (!rules.waits_safely) return {kUndelivered};
  }
  if (totals.lost_bytes > 0 || (rules.once && totals.unread_inputs > 0))
    return {kUndelivered, ending.reload};
  return {totals.dead > 0 ? kDeadLetters : kSettled, ending.reload};
}

Log make_log(Log::Level level) {
  return Log::to_stderr(::isatty(STDERR_FILENO) != 0 ? Log::Style::human : Log::Style::json, level);
}

bool say_problems(const settings::Problems& problems) {
  std::fputs(problems.warnings().c_str(), stderr);
  if (!problems.any()) return false;
  std::fputs(problems.text().c_str(), stderr);
  return true;
}

}  // namespace tailgate::app
