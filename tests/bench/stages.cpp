// SPDX-License-Identifier: Apache-2.0
// The stages of the data's way, one by one, over the lines of the file that TAILGATE_BENCH_DATA names. An iteration is
// kLines lines; what a stage needs from the one before is made outside the measured time.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/registry.h"
#include "core/batch.h"
#include "core/stream.h"
#include "filters/registry.h"
#include "json/parse.h"
#include "json/write.h"
#include "pipeline/chain.h"
#include "pipeline/hot_path.h"
#include "settings/reader.h"
#include "sources/line_reader.h"

namespace {

using namespace tailgate;

constexpr std::size_t kLines = 64;
constexpr std::size_t kMaxLine = std::size_t{1} << 20;
constexpr std::size_t kPieces = 64;  // so many iterations' lines take turns

struct Data {
  std::string text;
  std::vector<std::string_view> lines;

  [[nodiscard]] const std::string_view* piece(std::size_t iteration) const {
    return lines.data() + iteration % (lines.size() / kLines) * kLines;
  }
};

const Data& data() {
  static const Data kData = [] {
    const char* name = std::getenv("TAILGATE_BENCH_DATA");
    Data read;
    std::ifstream in(name == nullptr ? "" : name, std::ios::binary);
    for (std::string line; read.text.size() < (std::size_t{1} << 26) && std::getline(in, line);)
      read.text += line + '\n';
    const std::size_t size = read.text.size();
    read.text.resize(size + json::kPadding);
    sources::CutPosition position;
    sources::Cut cut;
    sources::cut_lines({read.text.data(), size}, {.max_line_bytes = kMaxLine, .at_end = true},
                       position, cut);
    for (const Line& line : cut.lines) read.lines.push_back(line.text);
    read.lines.resize(std::min(read.lines.size(), kLines * kPieces) / kLines * kLines);
    return read;
  }();
  return kData;
}

std::vector<json::Event> parsed(json::Parser& parser, json::Arena& arena,
                                const std::string_view* lines) {
  arena.reset();
  std::vector<json::Event> events;
  events.reserve(kLines);
  for (std::size_t i = 0; i < kLines; ++i) {
    if (!parser.parse(lines[i], events.emplace_back(arena))) std::abort();
  }
  return events;
}

struct FilterLine {
  const char* name;
  const char* yaml;
};
constexpr FilterLine kFilters[] = {
    {"unflatten", "separator: \".\""},
    {"convert", "types: {backend_time_ms: integer}"},
    {"drop_nulls", "{}"},
    {"add_client_id", "from: client_id"},
    {"event_meta", "{stream: api-gateway.request, schema: /api-gateway/request/1.0.0}"},
    {"remove", "paths: [upstream.cluster]"},
};

std::unique_ptr<Filter> make_filter(const FilterLine& line) {
  settings::Problems problems;
  for (const FilterEntry& entry : filters::table()) {
    if (entry.name != line.name) continue;
    const settings::Section section(
        settings::read_text(line.yaml, line.name, settings::process_environment(), problems),
        entry.options, problems);
    std::unique_ptr<Filter> filter = entry.make(section);
    if (!problems.any()) return filter;
  }
  return nullptr;
}

void account(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kLines));
}

/// Measures `work` alone, not what prepares the events for it.
template <class Work>
void over_events(benchmark::State& state, const std::vector<Filter*>& before, Work work) {
  json::Parser parser;
  json::Arena arena;
  std::size_t iteration = 0;
  for (auto _ : state) {
    std::vector<json::Event> events = parsed(parser, arena, data().piece(iteration++));
    for (json::Event& event : events) {
      for (Filter* filter : before) (void)filter->apply(event);
    }
    const auto begin = std::chrono::steady_clock::now();
    work(events);
    const auto end = std::chrono::steady_clock::now();
    state.SetIterationTime(std::chrono::duration<double>(end - begin).count());
  }
  account(state);
}

void cut(benchmark::State& state) {
  const std::string_view first = data().lines.front();
  const std::string_view last = data().lines.back();
  const std::string_view text(
      first.data(), static_cast<std::size_t>(last.data() + last.size() + 1 - first.data()));
  sources::Cut lines;
  std::int64_t count = 0;
  for (auto _ : state) {
    sources::CutPosition position;
    sources::cut_lines(text, {.max_line_bytes = kMaxLine}, position, lines);
    count += static_cast<std::int64_t>(lines.lines.size());
    benchmark::DoNotOptimize(lines.offsets.data());
  }
  state.SetItemsProcessed(count);
}

void parse(benchmark::State& state) {
  json::Parser parser;
  json::Arena arena;
  std::size_t iteration = 0;
  for (auto _ : state) {
    const std::string_view* lines = data().piece(iteration++);
    for (std::size_t i = 0; i < kLines; ++i) {
      arena.reset();
      json::Event event(arena);
      if (!parser.parse(lines[i], event)) std::abort();
      benchmark::DoNotOptimize(event.root().first);
    }
  }
  account(state);
}

void filter(benchmark::State& state, const FilterLine* line) {
  const std::unique_ptr<Filter> first = make_filter(kFilters[0]);
  const std::unique_ptr<Filter> one = make_filter(*line);
  if (one == nullptr) return state.SkipWithError("the filter's options are wrong");
  std::vector<Filter*> before;
  if (line != kFilters) before.push_back(first.get());
  over_events(state, before, [&](std::vector<json::Event>& events) {
    for (json::Event& event : events) {
      if (!one->apply(event)) std::abort();
    }
  });
}

pipeline::Chain chain_of_three() {
  std::vector<pipeline::Chain::Step> steps;
  for (const std::size_t i : {0, 2, 3})
    steps.push_back({kFilters[i].name, make_filter(kFilters[i]), {}, pipeline::OnError::drop});
  return pipeline::Chain(std::move(steps));
}

void chain(benchmark::State& state) {
  const pipeline::Chain three = chain_of_three();
  over_events(state, {}, [&](std::vector<json::Event>& events) {
    for (json::Event& event : events) {
      if (!three.apply(event)) std::abort();
    }
  });
}

// The same three filters without a tree: parse, filters and text in one.
void hot_path(benchmark::State& state) {
  const pipeline::Chain three = chain_of_three();
  pipeline::HotPath path({.chains = {&three}, .reads = {}, .foreign = {}});
  json::Arena arena;
  std::size_t iteration = 0;
  for (auto _ : state) {
    const std::string_view* lines = data().piece(iteration++);
    for (std::size_t i = 0; i < kLines; ++i) {
      arena.reset();
      json::Event marked(arena);
      benchmark::DoNotOptimize(path.take(lines[i], marked));
    }
  }
  account(state);
}

void codec(benchmark::State& state, std::string_view name) {
  const std::unique_ptr<Filter> unflatten = make_filter(kFilters[0]);
  settings::Problems problems;
  const settings::Section none(settings::Node{}, {}, problems);
  std::unique_ptr<Codec> writes;
  for (const codecs::Entry& entry : codecs::table()) {
    if (entry.name == name) writes = entry.make(none);
  }
  Credits credits{Bytes{1} << 30, 0};
  const auto stream = std::make_shared<Stream>(Uuid::random(), "bench", "bench",
                                               std::vector<SinkPosition>{SinkPosition{}});
  const auto chunk = stream->add_chunk({0, 1});
  std::string text;
  over_events(state, {unflatten.get()}, [&](std::vector<json::Event>& events) {
    Batch batch(0, writes->framing(), credits);
    for (json::Event& event : events) {
      text.clear();
      json::write(event, text);
      if (!writes->fits(event, batch)) std::abort();
      if (!writes->encode(event, text, batch, batch.begin_event(chunk, 0))) std::abort();
      batch.end_event();
    }
    benchmark::DoNotOptimize(batch.wire().data());
    batch.abandon();
  });
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (data().lines.empty()) {
    std::cerr << "TAILGATE_BENCH_DATA names no file with at least " << kLines << " lines\n";
    return 2;
  }
  benchmark::RegisterBenchmark("cut_lines", cut);
  benchmark::RegisterBenchmark("parse", parse);
  for (const FilterLine& line : kFilters)
    benchmark::RegisterBenchmark(line.name, filter, &line)->UseManualTime();
  benchmark::RegisterBenchmark("chain_of_three", chain)->UseManualTime();
  benchmark::RegisterBenchmark("hot_path", hot_path);
  for (const char* name : {"ndjson", "eventgate"})
    benchmark::RegisterBenchmark((std::string("codec_") + name).c_str(), codec, name)
        ->UseManualTime();
  benchmark::RunSpecifiedBenchmarks();
}
