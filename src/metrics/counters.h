// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace tailgate::metrics {

/// A number that one thread writes and any thread reads; exported as a Prometheus counter or gauge.
class Counter {
 public:
  /// Not a locked instruction: there is one writer.
  void add(std::uint64_t n = 1) { set(value() + n); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The source's side of the ledger: read = filtered + dead_lettered + dispatched, one unit per logical line.
struct SourceCounters {
  [[nodiscard]] std::uint64_t filtered() const {
    return filtered_by_filter.value() + filtered_unrouted.value() + filtered_empty.value() +
           filtered_not_json.value() + filtered_spool_full.value();
  }

  Counter read_lines;
  Counter read_bytes;
  Counter filtered_by_filter;   // a filter or its condition dropped it
  Counter filtered_unrouted;    // it matched no sink
  Counter filtered_empty;       // its filters left nothing
  Counter filtered_not_json;    // not_json: skip
  Counter filtered_spool_full;  // dropped unseen: when_full of a spool
  Counter dead_parse;
  Counter dead_filter;
  Counter dispatched;
  Counter duplicate_keys;  // members that a later one of the same name replaced
  Counter lag_bytes;       // gauge
  Counter lag_millis;      // gauge: age of the oldest line not settled
  Counter files_open;      // gauge
  Counter lost_bytes;      // truncated or deleted before they could be read
  Counter unread_inputs;   // files that could not be opened or read to their end
};

/// The sink's side: dispatched + recovered = delivered + dead_lettered + dropped + in_flight.
struct SinkCounters {
  // The intake's, written for each event; what the lane writes is in a cache line of its own.
  Counter dispatched;
  Counter recovered;          // from a spool of an earlier run
  Counter dead_filter;        // by this sink's own filters or codec
  Counter dropped_by_filter;  // this sink's own filters
  Counter blocked_millis;     // the intake waited for this sink's credits

  alignas(64) Counter delivered;
  Counter dead_sink;       // refused by the other side
  Counter dropped_closed;  // its reader is gone, others go on
  Counter sent;            // events in attempts, repeats included
  Counter sent_bytes;
  Counter attempts;
  Counter retries;  // attempts that were repeats
  Counter up;       // gauge: 1 or 0
  Counter splits;   // batches split because they were too large

  [[nodiscard]] std::uint64_t in_flight() const {
    return dispatched.value() + recovered.value() - delivered.value() - dead_filter.value() -
           dead_sink.value() - dropped_by_filter.value() - dropped_closed.value();
  }
};

}  // namespace tailgate::metrics
