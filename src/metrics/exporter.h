// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "metrics/counters.h"

namespace tailgate::metrics {

/// What is exported at one scrape. Labels are source, sink, reason and stage: never a path, rotations would grow them
/// without end.
struct Snapshot {
  struct Source {
    std::string name;
    const SourceCounters* counters;
  };
  struct Sink {
    std::string name;
    std::string type;
    const SinkCounters* counters;
  };
  std::vector<Source> sources;
  std::vector<Sink> sinks;
  std::uint64_t memory_used = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t dead_letter_bytes = 0;
  std::string version;
};

/// The text exposition format (Prometheus, "Exposition formats", version 0.0.4) of a snapshot and of the process.
std::string exposition(const Snapshot& snapshot);

}  // namespace tailgate::metrics
