// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/codec.h"
#include "core/condition.h"
#include "core/source.h"
#include "pipeline/batcher.h"
#include "pipeline/chain.h"
#include "pipeline/dead_letter.h"
#include "pipeline/hot_path.h"
#include "pipeline/lane.h"
#include "pipeline/line_parser.h"
#include "pipeline/wake.h"

namespace tailgate::pipeline {

/// The intake's side of a source.
struct Inlet {
  std::string name;
  std::unique_ptr<Source> source;
  LineParser parser;
  Chain filters;  // this source's, before the shared chain
  std::unique_ptr<metrics::SourceCounters> counters;
};

/// The intake's side of a sink, and its lane.
struct Outlet {
  std::string name;
  std::string type;
  bool enabled = true;            // a replay leaves the other sinks out
  std::optional<Condition> when;  // routing
  Chain filters;                  // this sink's, after the shared chain
  std::unique_ptr<Codec> codec;
  std::unique_ptr<metrics::SinkCounters> counters;
  std::unique_ptr<Lane> lane;  // holds the sink and the buffer
  std::unique_ptr<Batcher> batcher;
  bool flush_when_idle = false;  // somebody watches: do not wait for max_wait when the input pauses
};

struct RunRules {
  Millis grace{25'000};  // how long a shutdown may take
  Millis quiet{12'000};  // how long nothing must come before the drain ends
  bool once = false;     // end when every source is finished and all is settled
  Millis give_up_after{
      0};  // with once: how long undelivered events may hold the end up; 0: for ever
  std::size_t read_bytes = std::size_t{256} << 10;
};

/// Everything a pipeline is made of, built from the settings by build.cpp.
struct Parts {
  // Lanes and batches use these to their end, so they come first and go last.
  std::shared_ptr<const Clock> clock;
  std::shared_ptr<Wake> wake;  // the intake sleeps on it; lanes and stop requests call it
  std::unique_ptr<Credits> credits;
  std::unique_ptr<DeadLetters> dead_letters;

  std::vector<Inlet> inlets;
  Chain filters;  // shared
  std::vector<Outlet> outlets;
  RunRules rules;
  Log log;
};

/// How a run ended.
struct Ending {
  bool settled = false;  // nothing is left undelivered
  bool gave_up = false;
  bool sink_closed = false;  // stdout was closed by its reader
  bool reload = false;       // request_reload() ended it, and no stop request came after
};

/// The data's way: source → parse → filters → codec → batch → buffer → sender → sink. run() is the intake loop; it never
/// blocks on a sink: only reading waits for credit. Lanes are threads of their own; the intake itself sends what need not
/// wait for anybody (Sink::waits).
class Pipeline {
 public:
  explicit Pipeline(Parts parts);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Returns when the sources are finished (once), or after request_stop().
  Ending run();
  /// Any thread: the first call drains within grace, the second ends at once.
  void request_stop();
  [[nodiscard]] bool stop_requested() const { return stops_.load() > 0; }
  /// Any thread: reads no more, delivers what is under way within grace, and returns.
  void request_reload();
  /// Called on the intake thread about once a second: for progress.
  void on_tick(std::function<void()> tick) { tick_ = std::move(tick); }

  // For the admin server; any thread.
  struct SourceView {
    std::string name;
    const metrics::SourceCounters* counters;
    SourceStatus status;
  };
  struct SinkView {
    std::string name;
    std::string type;
    const metrics::SinkCounters* counters;
    LaneStatus status;
  };
  [[nodiscard]] std::vector<SourceView> sources() const;
  [[nodiscard]] std::vector<SinkView> sinks() const;
  /// The intake loop came round since `since`.
  [[nodiscard]] bool beats(Tick since) const;
  [[nodiscard]] bool ready() const { return ready_.load(); }
  /// Nothing would be lost by an end of the process now.
  [[nodiscard]] bool rereadable() const;
  [[nodiscard]] Bytes memory_used() const { return parts_.credits->used(); }
  [[nodiscard]] Bytes memory_limit() const { return parts_.credits->limit(); }
  [[nodiscard]] Bytes dead_letter_bytes() const { return parts_.dead_letters->bytes(); }

 private:
  [[nodiscard]] std::unique_ptr<HotPath> hot_path(const Inlet& inlet) const;
  bool read_once(Tick now);
  /// Where the intake stands: one line of one read.
  struct Spot {
    Inlet& inlet;
    const std::shared_ptr<Chunk>& chunk;
    std::uint32_t line;
    const Line& text;
    std::uint64_t begin;  // before the line's own, where it has parts
    Tick now;
  };
  void take(std::size_t inlet, const Lines& lines, Tick now);
  void take_joined(std::size_t inlet, const Lines& lines, std::span<const std::uint32_t> parts,
                   Tick now);
  void take_line(const Spot& spot, HotPath& hot, WallTime read_at);
  bool filter(const Spot& spot, std::string_view text, json::Event& event);
  void refused(const Spot& spot, std::string_view stage, const Error& error);
  void dispatch(const Spot& spot, const json::Event& event, std::string_view text);
  void add(const Spot& spot, std::size_t sink, const json::Event& event, std::string_view text);
  void add_filtered(const Spot& spot, std::size_t sink, const json::Event& event,
                    std::string_view text);
  void drop(const Spot& spot, metrics::Counter& counter);
  /// `event`: what is kept when the sink's own steps failed; empty: the line itself is kept as it came.
  void bury(const Spot& spot, std::string_view stage, const std::string& reason,
            std::string_view event = {}, std::optional<std::size_t> sink = std::nullopt);
  bool commit_letters();
  void settle_letters();
  void housekeeping(Tick now);
  void checkpoint(Tick now);
  bool gives_up(Tick now, bool finished);
  [[nodiscard]] bool sources_finished() const;
  [[nodiscard]] bool all_settled() const;
  [[nodiscard]] bool drained(Tick now);
  void begin_drain(Tick now);
  void wait(Tick until);
  void hear();
  void account_blocked(Tick now);
  Ending finish(bool gave_up);

  Parts parts_;
  json::Arena arena_;
  std::vector<std::unique_ptr<HotPath>> hot_paths_;  // one an inlet
  std::string text_;                                 // of the event at hand, on the general path
  std::string changed_;                              // that, as a sink's own filters left it
  std::string joined_;                               // the parts of the line at hand
  int epoll_ = -1;
  std::atomic<int> stops_{0};
  std::atomic<bool> reload_{false};
  std::atomic<bool> ready_{false};
  std::atomic<Tick::rep> beat_{0};
  std::function<void()> tick_;
  std::vector<Wakeup> wakeups_;
  std::size_t turn_ = 0;    // whose turn to be read it is
  std::vector<bool> deaf_;  // by inlet: its descriptor is out of the epoll set
  Tick stopping_since_{};
  Tick last_byte_{};
  Tick next_housekeeping_{};
  Tick next_checkpoint_{};
  bool checkpoint_due_ = false;
  std::optional<Tick> blocked_since_;
  std::optional<Tick> finished_since_;

  // Letters written by the intake, not yet durable: their lines are settled after the commit.
  struct Letter {
    std::shared_ptr<Chunk> chunk;
    std::uint32_t line;
    std::optional<std::size_t> sink;  // none: for all sinks
    metrics::Counter* counter;
  };
  std::string letter_lines_;
  std::vector<Letter> letters_;
  Tick letters_retry_{};

  mutable std::mutex status_mutex_;
  std::vector<SourceStatus> statuses_;  // guarded by status_mutex_
};

}  // namespace tailgate::pipeline
