// SPDX-License-Identifier: Apache-2.0
#include "metrics/exporter.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>

#include "metrics/process.h"

namespace tailgate::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::vector<std::pair<std::string, std::string>>;

// The one bridge to prometheus-cpp: our plain counters, read at the scrape.
class Exporter final : public prometheus::Collectable {
 public:
  explicit Exporter(const Snapshot& snapshot) : snapshot_(snapshot) {}

  [[nodiscard]] std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> families;
    sources(families);
    sinks(families);
    program(families);
    process(families);
    return families;
  }

 private:
  static MetricFamily& family(std::vector<MetricFamily>& families, std::string name,
                              std::string help, MetricType type) {
    MetricFamily family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    families.push_back(std::move(family));
    return families.back();
  }

  static void add(MetricFamily& family, const Labels& labels, double value) {
    ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    if (family.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family.metric.push_back(std::move(metric));
  }

  struct SourceRow {
    const char* name;
    const char* help;
    MetricType type;
    Counter SourceCounters::*counter;
    const char* label = nullptr;
    const char* value = nullptr;
    double scale = 1;
  };
  struct SinkRow {
    const char* name;
    const char* help;
    MetricType type;
    Counter SinkCounters::*counter;
    const char* label = nullptr;
    const char* value = nullptr;
    double scale = 1;
  };

  void sources(std::vector<MetricFamily>& families) const {
    static constexpr const char* kFiltered = "Lines filtered on purpose.";
    static constexpr const char* kDead = "Lines that went to the dead letters before any sink.";
    static const SourceRow kRows[] = {
        {"tailgate_source_read_lines_total", "Lines read.", MetricType::Counter,
         &SourceCounters::read_lines},
        {"tailgate_source_read_bytes_total", "Bytes read.", MetricType::Counter,
         &SourceCounters::read_bytes},
        {"tailgate_source_filtered_total", kFiltered, MetricType::Counter,
         &SourceCounters::filtered_by_filter, "reason", "filter"},
        {"tailgate_source_filtered_total", kFiltered, MetricType::Counter,
         &SourceCounters::filtered_unrouted, "reason", "unrouted"},
        {"tailgate_source_filtered_total", kFiltered, MetricType::Counter,
         &SourceCounters::filtered_empty, "reason", "empty"},
        {"tailgate_source_filtered_total", kFiltered, MetricType::Counter,
         &SourceCounters::filtered_not_json, "reason", "not_json"},
        {"tailgate_source_filtered_total", kFiltered, MetricType::Counter,
         &SourceCounters::filtered_spool_full, "reason", "spool_full"},
        {"tailgate_source_dead_lettered_total", kDead, MetricType::Counter,
         &SourceCounters::dead_parse, "stage", "parse"},
        {"tailgate_source_dead_lettered_total", kDead, MetricType::Counter,
         &SourceCounters::dead_filter, "stage", "filter"},
        {"tailgate_source_dispatched_total", "Lines that went to at least one sink.",
         MetricType::Counter, &SourceCounters::dispatched},
        {"tailgate_source_duplicate_keys_total",
         "Members that a later one of the same name replaced.", MetricType::Counter,
         &SourceCounters::duplicate_keys},
        {"tailgate_source_lost_bytes_total",
         "Bytes truncated, deleted, damaged or cut off before they could be read.",
         MetricType::Counter, &SourceCounters::lost_bytes},
        {"tailgate_source_lag_bytes",
         "Bytes in the files or the spool that not every sink has settled.", MetricType::Gauge,
         &SourceCounters::lag_bytes},
        {"tailgate_source_lag_seconds", "Age of the oldest line that not every sink has settled.",
         MetricType::Gauge, &SourceCounters::lag_millis, nullptr, nullptr, 0.001},
        {"tailgate_source_unread_inputs", "Files that cannot be opened or read to their end.",
         MetricType::Gauge, &SourceCounters::unread_inputs},
        {"tailgate_source_files_open", "Files held open.", MetricType::Gauge,
         &SourceCounters::files_open},
    };
    for (const SourceRow& row : kRows) {
      const bool same = !families.empty() && families.back().name == row.name;
      MetricFamily& to = same ? families.back() : family(families, row.name, row.help, row.type);
      for (const Snapshot::Source& source : snapshot_.sources) {
        Labels labels{{"source", source.name}};
        if (row.label != nullptr) labels.emplace_back(row.label, row.value);
        add(to, labels, static_cast<double>((source.counters->*row.counter).value()) * row.scale);
      }
    }
  }

  void sinks(std::vector<MetricFamily>& families) const {
    static constexpr const char* kDead = "Events that went to the dead letters.";
    static const SinkRow kRows[] = {
        {"tailgate_sink_dispatched_total", "Events handed to this sink.", MetricType::Counter,
         &SinkCounters::dispatched},
        {"tailgate_sink_recovered_total", "Events taken over from an earlier run's spool.",
         MetricType::Counter, &SinkCounters::recovered},
        {"tailgate_sink_delivered_total", "Events that the other side accepted.",
         MetricType::Counter, &SinkCounters::delivered},
        {"tailgate_sink_dead_lettered_total", kDead, MetricType::Counter,
         &SinkCounters::dead_filter, "stage", "filter"},
        {"tailgate_sink_dead_lettered_total", kDead, MetricType::Counter, &SinkCounters::dead_sink,
         "stage", "sink"},
        {"tailgate_sink_dropped_total",
         "Events dropped by this sink's own filters, or because its reader is gone.",
         MetricType::Counter, &SinkCounters::dropped_by_filter, "reason", "filter"},
        {"tailgate_sink_dropped_total",
         "Events dropped by this sink's own filters, or because its reader is gone.",
         MetricType::Counter, &SinkCounters::dropped_closed, "reason", "closed"},
        {"tailgate_sink_sent_total", "Events in attempts, repeats included.", MetricType::Counter,
         &SinkCounters::sent},
        {"tailgate_sink_sent_bytes_total", "Bytes of bodies in attempts, before compression.",
         MetricType::Counter, &SinkCounters::sent_bytes},
        {"tailgate_sink_attempts_total", "Attempts.", MetricType::Counter, &SinkCounters::attempts},
        {"tailgate_sink_retries_total", "Attempts that repeat an earlier one.", MetricType::Counter,
         &SinkCounters::retries},
        {"tailgate_sink_splits_total", "Batches split because they were too large.",
         MetricType::Counter, &SinkCounters::splits},
        {"tailgate_sink_up", "1 while the other side accepts.", MetricType::Gauge,
         &SinkCounters::up},
        {"tailgate_intake_blocked_seconds_total", "Time that reading waited for this sink.",
         MetricType::Counter, &SinkCounters::blocked_millis, nullptr, nullptr, 0.001},
    };
    for (const SinkRow& row : kRows) {
      const bool same = !families.empty() && families.back().name == row.name;
      MetricFamily& to = same ? families.back() : family(families, row.name, row.help, row.type);
      for (const Snapshot::Sink& sink : snapshot_.sinks) {
        Labels labels{{"sink", sink.name}};
        if (row.label != nullptr) labels.emplace_back(row.label, row.value);
        add(to, labels, static_cast<double>((sink.counters->*row.counter).value()) * row.scale);
      }
    }
    MetricFamily& waiting = family(families, "tailgate_sink_in_flight",
                                   "Events handed over and not settled yet.", MetricType::Gauge);
    for (const Snapshot::Sink& sink : snapshot_.sinks) {
      add(waiting, {{"sink", sink.name}}, static_cast<double>(sink.counters->in_flight()));
    }
  }

  void program(std::vector<MetricFamily>& families) const {
    const auto gauge = [&](const char* name, const char* help, double value) {
      add(family(families, name, help, MetricType::Gauge), {}, value);
    };
    gauge("tailgate_memory_used_bytes", "Memory of events on their way.",
          static_cast<double>(snapshot_.memory_used));
    gauge("tailgate_memory_limit_bytes", "What it may be.",
          static_cast<double>(snapshot_.memory_limit));
    gauge("tailgate_dead_letters_bytes", "Bytes of dead letters held.",
          static_cast<double>(snapshot_.dead_letter_bytes));
    add(family(families, "tailgate_build_info", "The version, as a label.", MetricType::Gauge),
        {{"version", snapshot_.version}}, 1);
  }

  static void process(std::vector<MetricFamily>& families) {
    const ProcessStats stats = read_process_stats();
    add(family(families, "process_cpu_seconds_total", "User and system CPU time.",
               MetricType::Counter),
        {}, stats.cpu_seconds);
    const auto gauge = [&](const char* name, const char* help, double value) {
      add(family(families, name, help, MetricType::Gauge), {}, value);
    };
    gauge("process_resident_memory_bytes", "Resident memory.", stats.resident_bytes);
    gauge("process_virtual_memory_bytes", "Virtual memory.", stats.virtual_bytes);
    gauge("process_start_time_seconds", "Start of the process since the epoch.",
          stats.start_time_seconds);
    gauge("process_open_fds", "Open descriptors.", stats.open_fds);
    gauge("process_max_fds", "Most descriptors that may be open.", stats.max_fds);
  }

  const Snapshot& snapshot_;
};

}  // namespace

std::string exposition(const Snapshot& snapshot) {
  const Exporter exporter(snapshot);
  return prometheus::TextSerializer().Serialize(exporter.Collect());
}

}  // namespace tailgate::metrics
