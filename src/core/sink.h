// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "core/batch.h"
#include "core/outcome.h"
#include "settings/options.h"

namespace tailgate {

/// Sends batches. Never retries (but see self_retrying): the sender alone decides. send() and stop() are called by one
/// thread at a time.
class Sink {
 public:
  using Done = std::function<void(Outcome)>;

  virtual ~Sink() = default;
  /// Starts exactly one attempt and returns soon. `batch` stays alive and unchanged until `done` was called: exactly
  /// once, from any thread, possibly before send() returns.
  virtual void send(const Batch& batch, Done done) = 0;
  /// Whether send() may wait: for a disk, or for what is dear to do. Else the intake calls it on its own thread.
  [[nodiscard]] virtual bool waits() const { return true; }
  /// A self-retrying sink says here why nothing moves, while nothing does; others never. Any thread.
  [[nodiscard]] virtual std::optional<std::string> stalled() const { return std::nullopt; }
  /// No further send(). Attempts under way get until `deadline`, then `done` with unknown. All are done on return.
  virtual void stop(Tick deadline) = 0;
};

/// What is true of a sink type.
struct SinkTraits {
  std::string_view codec;  // the line of codecs/registry.cpp that writes for it
  bool self_retrying =
      false;  // keeps its own order and retries (Kafka): max_in_flight and batch do not apply
  bool needs_meta_id = false;             // event_meta is added when missing
  std::string_view batch_bytes = "1MiB";  // default of batch.max_bytes
  std::string_view timeout = "30s";
  bool network = true;
};

/// What the network sinks of a process share: one HTTP thread. Defined in sinks/transports.h.
class Transports;

struct SinkContext {
  std::string name;
  Log log;
  const Clock* clock = nullptr;
  std::shared_ptr<Transports> transports;
  Millis timeout{0};
};

/// One line of sinks/registry.cpp.
struct SinkEntry {
  std::string_view type;
  std::string_view summary;
  settings::OptionTable options;  // its own; those that every sink has are in pipeline/build
  SinkTraits traits;
  /// May return nullptr after adding a problem to the section.
  std::unique_ptr<Sink> (*make)(const settings::Section& options, SinkContext context);
  /// For `validate --connect`: an empty text when the other side answers as it should, else what is wrong.
  std::string (*probe)(const settings::Section& options, SinkContext context);
};

}  // namespace tailgate
