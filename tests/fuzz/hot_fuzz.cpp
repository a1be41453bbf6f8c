// SPDX-License-Identifier: Apache-2.0
// The hot path beside the general one: lines that follow each other, so that the keys of one are the guess for the next,
// leave with the same text and the same counts, whichever path takes them. An input is a byte that chooses the chain,
// then lines.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "filters/registry.h"
#include "fuzzing.h"
#include "pipeline/hot_path.h"
#include "settings/reader.h"

namespace tailgate::fuzz {
namespace {

using pipeline::Chain;
using pipeline::HotPath;
using Steps = std::vector<std::pair<std::string_view, std::string>>;

Chain chain_of(const Steps& steps) {
  settings::Problems problems;
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  std::vector<Chain::Step> made;
  for (const auto& [name, yaml] : steps) {
    const settings::Node node = settings::read_text(yaml, "fuzz.yaml", none, problems);
    for (const FilterEntry& entry : filters::table()) {
      if (entry.name == name)
        made.push_back({std::string(name),
                        entry.make(settings::Section(node, entry.options, problems)),
                        {},
                        {}});
    }
  }
  must(!problems.any() && made.size() == steps.size(), "the fuzzer's own settings",
       problems.text());
  return Chain(std::move(made));
}

std::uint64_t counts(const Chain& chain) {
  std::uint64_t all = 0;
  for (const Chain::Step& step : chain.steps()) {
    for (const FilterCounter& one : step.filter->counters()) all += one.counter->value();
  }
  return all;
}

class Both {
 public:
  explicit Both(const Steps& steps)
      : plain_(chain_of(steps)),
        hot_chain_(chain_of(steps)),
        hot_({.chains = {&hot_chain_}, .reads = {}, .foreign = {}}) {}

  void run(std::string_view line) {
    const Padded padded(line);
    const std::string expected = general(plain_, padded.text());
    json::Arena arena;
    json::Event marked(arena);
    std::string got;
    switch (hot_.take(padded.text(), marked)) {
      case HotPath::Took::event:
        got = hot_.text();
        break;
      case HotPath::Took::dropped:
        got = kDropped;
        break;
      case HotPath::Took::general:
        got = general(hot_chain_, padded.text());
        break;
    }
    must(got == expected, "both paths leave the same", expected + "\n" + got);
    must(counts(plain_) == counts(hot_chain_), "both paths count the same", line);
  }

 private:
  static constexpr std::string_view kDropped = "dropped";

  std::string general(const Chain& chain, std::string_view line) {
    json::Arena arena;
    json::Event event(arena);
    if (!parser_.parse(line, event)) return "refused";
    const Result<Verdict> verdict = chain.apply(event);
    if (!verdict.has_value()) return "error";
    return *verdict == Verdict::drop ? std::string(kDropped) : written(event);
  }

  Chain plain_;
  Chain hot_chain_;
  HotPath hot_;
  json::Parser parser_;
};

const std::vector<Steps>& chains() {
  static const std::vector<Steps> all{
      {{"unflatten", "{}"}, {"drop_nulls", "{}"}, {"add_client_id", "from: client_id"}},
      {{"unflatten", "{separator: _, max_depth: 3}"},
       {"drop_nulls", "{dashes: true, empty_strings: true}"},
       {"add_client_id", "from: [client_id, {jwt: http.authorization}, {basic: auth}]"}},
      {{"drop_nulls", "{dashes: true, empty_strings: true}"},
       {"unflatten", "{on_conflict: overwrite}"}},
      {{"unflatten", "{}"},
       {"convert", "types: {meta.a: integer, x: number, http.a: boolean, c.d: string}"},
       {"drop_nulls", "{dashes: true}"}},
      {{"unflatten", "{}"}, {"rename", "{meta.a: meta.z, x: y}"}, {"drop_nulls", "{}"}},
      {{"unflatten", "{except: [http]}"},
       {"remove", "paths: [meta.a, c.d, x]"},
       {"drop_nulls", "{}"}},
      {{"unflatten", "{}"}, {"keep", "paths: [meta, http.a, x]"}, {"set", "{meta.z: 1, n: null}"}}};
  return all;
}

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& chains = tailgate::fuzz::chains();
  tailgate::fuzz::Both both(chains[data[0] % chains.size()]);
  std::string_view rest = tailgate::fuzz::view(data + 1, size - 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    both.run(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}
