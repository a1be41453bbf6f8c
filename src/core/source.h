// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "core/parts.h"
#include "core/stream.h"
#include "metrics/counters.h"
#include "settings/options.h"

namespace tailgate {

namespace state {
class Store;
}

/// A line as the source found it. `text` is followed by json::kPadding readable bytes and lives until the next read().
struct Line {
  enum class Problem : std::uint8_t { none, too_long, torn };
  std::string_view text;
  // too_long: text is empty, the length is in the chunk's offsets. torn: part of a line whose rest is not at hand.
  Problem problem = Problem::none;
  // NUL bytes right before `text`: what a truncation left, or the line's own; a dead letter keeps them. More are a hole.
  std::uint8_t nuls = 0;
  bool joined = false;  // text is the parts of one line, each in its wrapper, below each other
};

/// What one read brought.
struct Lines {
  std::shared_ptr<Chunk> chunk;
  std::span<const Line> lines;           // one per line of the chunk
  std::optional<WallTime> read_at = {};  // none: now
  bool parts = false;  // some are parts of one line (core/parts.h): all of them are here
};

/// When a source wants to be called again.
struct Wakeup {
  std::optional<Tick> at;  // a timer
  bool ready = false;      // read() would bring lines now
  bool deaf = false;       // wait_fd() is readable and that is known: do not wake for it
};

/// How a source stands, for /status, progress lines and metrics.
struct SourceStatus {
  struct File {
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t read = 0;
    std::uint64_t settled = 0;
    std::string note;  // "rotated", "deleted", "truncated", "stopped: …"
  };
  std::vector<File> files;
  std::uint64_t lag_bytes = 0;    // in the files, not settled by every sink
  std::uint64_t total_bytes = 0;  // of all files
  bool watching = false;          // inputs are watched
  /// What became of every line since the first, by sink, as the checkpoint on disk holds it. Empty without one.
  std::map<std::string, Tally> settled;
};

/// Where lines come from. All of it is called by the intake thread, which never blocks on a sink: watch() always runs
/// (discovery, fingerprints, open descriptors), read() only while there is credit.
class Source {
 public:
  virtual ~Source() = default;
  /// Readable when watch() should be called; -1: timers only. Fits an epoll set (may itself be one).
  [[nodiscard]] virtual int wait_fd() const = 0;
  virtual Wakeup watch(Tick now) = 0;
  /// At most `max_bytes` of whole lines of one stream (one line may be longer), or nothing.
  virtual std::optional<Lines> read(std::size_t max_bytes) = 0;
  /// Saves the positions that changed. Errors are logged and tried again; the positions stay behind.
  virtual void checkpoint() = 0;
  /// No more lines will ever come: end of stdin; with `once`, the end of every file.
  [[nodiscard]] virtual bool finished() const = 0;
  /// The process is about to end: what could not be read again is put where it can be, as far as `until` allows.
  virtual void stopping(Tick /*until*/) {}
  /// The process ends: what cannot be read again is said and counted.
  virtual void ends() {}
  /// Any thread: what is not settled is read again after an end of the process. Else a reload would lose it.
  [[nodiscard]] virtual bool rereadable() const = 0;
  /// Every writer has closed its file and everything was read: the drain at shutdown may end.
  [[nodiscard]] virtual bool writers_gone() const = 0;
  [[nodiscard]] virtual SourceStatus status() const = 0;
};

struct SourceContext {
  std::string name;
  Log log;
  const Clock* clock = nullptr;
  state::Store* store = nullptr;   // nullptr: positions are not kept
  std::vector<std::string> sinks;  // names, in the pipeline's order: one position each
  metrics::SourceCounters* counters = nullptr;
  std::string data_dir;          // empty: none
  bool once = false;             // end at the end of the files
  Format format = Format::json;  // what lines are wrapped in: parts of one line must come together
};

/// A map among the options of a source.
struct SourceSection {
  std::string_view name;
  std::string_view summary;
  settings::OptionTable options;
};

/// One line of sources/registry.cpp.
struct SourceEntry {
  std::string_view type;
  std::string_view summary;
  settings::OptionTable options;  // its own; those that every source has are in pipeline/build
  bool needs_data_dir = false;    // under `run`
  /// May return nullptr after adding a problem to the section.
  std::unique_ptr<Source> (*make)(const settings::Section& options,
                                  SourceContext context) = nullptr;
  std::span<const SourceSection> sections = {};
  bool only_once = false;  // there is one such input in a process
};

}  // namespace tailgate
