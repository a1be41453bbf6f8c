// SPDX-License-Identifier: Apache-2.0
#include "app/views.h"

#include <fmt/format.h>

#include <array>

#include "app/version.h"
#include "json/write.h"

namespace tailgate::app {
namespace {

using State = pipeline::LaneStatus::State;

std::string json_text(std::string_view text) {
  std::string out;
  json::write_string(text, out);
  return out;
}

// What became of the lines of a source for one sink, by kind.
std::string tally_json(const Tally& tally) {
  constexpr std::array<std::string_view, kSettledKinds> kNames{
      "filtered", "dead_lettered_by_source", "passed_by", "dropped", "delivered", "dead_lettered"};
  std::string text;
  for (std::size_t kind = 0; kind < tally.size(); ++kind)
    text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", kNames[kind], tally[kind]);
  return "{" + text + "}";
}

std::string_view word(State state) {
  switch (state) {
    case State::up:
      return "up";
    case State::down:
      return "down";
    case State::probing:
      return "probing";
  }
  return "down";
}

}  // namespace

metrics::Snapshot snapshot(const pipeline::Pipeline& pipeline) {
  metrics::Snapshot snapshot;
  for (const auto& source : pipeline.sources())
    snapshot.sources.push_back({source.name, source.counters});
  for (const auto& sink : pipeline.sinks())
    snapshot.sinks.push_back({sink.name, sink.type, sink.counters});
  snapshot.memory_used = pipeline.memory_used();
  snapshot.memory_limit = pipeline.memory_limit();
  snapshot.dead_letter_bytes = pipeline.dead_letter_bytes();
  snapshot.version = kVersion;
  return snapshot;
}

std::string status_json(const pipeline::Pipeline& pipeline) {
  std::string sources;
  for (const auto& source : pipeline.sources()) {
    std::string files;
    for (const SourceStatus::File& file : source.status.files) {
      files +=
          fmt::format(R"({}{{"path":{},"size":{},"read":{},"settled":{}{}}})",
                      files.empty() ? "" : ",", json_text(file.path), file.size, file.read,
                      file.settled, file.note.empty() ? "" : ",\"note\":" + json_text(file.note));
    }
    std::string totals;
    for (const auto& [sink, tally] : source.status.settled)
      totals +=
          fmt::format("{}{}:{}", totals.empty() ? "" : ",", json_text(sink), tally_json(tally));
    const metrics::SourceCounters& c = *source.counters;
    sources += fmt::format(
        R"({}{}:{{"lag_bytes":{},"read":{},"filtered":{},"dead_lettered":{},"dispatched":{},"settled_ever":{{{}}},"files":[{}]}})",
        sources.empty() ? "" : ",", json_text(source.name), source.status.lag_bytes,
        c.read_lines.value(), c.filtered(), c.dead_parse.value() + c.dead_filter.value(),
        c.dispatched.value(), totals, files);
  }
  std::string sinks;
  for (const auto& sink : pipeline.sinks()) {
    const metrics::SinkCounters& c = *sink.counters;
    const bool trouble = sink.status.state != State::up;
    sinks += fmt::format(
        R"({}{}:{{"type":{},"state":"{}","reason":{},"dispatched":{},"delivered":{},"dead_lettered":{},"in_flight":{},"attempts":{},"body_limit":{}}})",
        sinks.empty() ? "" : ",", json_text(sink.name), json_text(sink.type),
        word(sink.status.state), trouble ? json_text(sink.status.reason) : "null",
        c.dispatched.value(), c.delivered.value(), c.dead_filter.value() + c.dead_sink.value(),
        c.in_flight(), c.attempts.value(), sink.status.body_limit);
  }
  return fmt::format(
      R"({{"version":"{}","memory":{{"used":{},"limit":{}}},"dead_letters":{{"bytes":{}}},"sources":{{{}}},"sinks":{{{}}}}})",
      kVersion, pipeline.memory_used(), pipeline.memory_limit(), pipeline.dead_letter_bytes(),
      sources, sinks);
}

std::string delivery_trouble(const pipeline::Pipeline& pipeline) {
  std::string text;
  for (const auto& sink : pipeline.sinks()) {
    if (sink.status.state == State::up) continue;
    text += fmt::format("{} is down: {}; {} events wait\n", sink.name, sink.status.reason,
                        sink.counters->in_flight());
  }
  return text;
}

}  // namespace tailgate::app
