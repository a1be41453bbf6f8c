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
struct Setting {
  std::string_view name;
  std::string yaml;
  std::string_view when = {};
};
using Steps = std::vector<Setting>;

Chain chain_of(const Steps& steps) {
  settings::Problems problems;
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  std::vector<Chain::Step> made;
  for (const auto& [name, yaml, when] : steps) {
    const settings::Node node = settings::read_text(yaml, "fuzz.yaml", none, problems);
    for (const FilterEntry& entry : filters::table()) {
      if (entry.name == name)
        made.push_back({std::string(name),
                        entry.make(settings::Section(node, entry.options, problems)),
                        {},
                        {}});
    }
    if (when.empty()) continue;
    Result<Condition> condition = Condition::parse(when);
    must(condition.has_value(), "the fuzzer's own condition", when);
    made.back().when = std::move(*condition);
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

/// What conditions and codecs behind the filters may look at.
std::vector<json::Path> reads() {
  return {*json::Path::parse("meta.stream"), *json::Path::parse("client_id"),
          *json::Path::parse("x")};
}

class Both {
 public:
  explicit Both(const Steps& steps)
      : plain_(chain_of(steps)),
        hot_chain_(chain_of(steps)),
        hot_({.chains = {&hot_chain_}, .reads = reads(), .foreign = {}}) {}

  void run(std::string_view line) {
    const Padded padded(line);
    const std::uint64_t before = counts(hot_chain_) - counts(plain_);
    const std::string expected = general(plain_, padded.text());
    json::Arena arena;
    json::Event marked(arena);
    marked.origin = origin_;
    std::string got;
    switch (hot_.take(padded.text(), marked)) {
      case HotPath::Took::event:
        got = std::string(hot_.text()) + seen(marked);
        break;
      case HotPath::Took::dropped:
        got = kDropped;
        break;
      case HotPath::Took::general:
        // A filter that saw the marked members may have counted before.
        must(general(hot_chain_, padded.text()) == expected, "the general path is always the same");
        return;
    }
    must(got == expected, "both paths leave the same", expected + "\n" + got);
    must(counts(hot_chain_) - counts(plain_) == before, "both paths count the same", line);
  }

 private:
  static constexpr std::string_view kDropped = "dropped";

  std::string general(const Chain& chain, std::string_view line) {
    json::Arena arena;
    json::Event event(arena);
    event.origin = origin_;
    if (!parser_.parse(line, event)) return "refused";
    const Result<Verdict> verdict = chain.apply(event);
    if (!verdict.has_value()) return "error";
    return *verdict == Verdict::drop ? std::string(kDropped) : written(event) + seen(event);
  }

  static std::string seen(const json::Event& event) {
    std::string all;
    for (const json::Path& path : reads()) {
      const json::Value* value = event.find(path);
      all += ' ';
      // Of an object only what is read of it need be there.
      if (value != nullptr && value->kind == json::Kind::object) {
        all += "{}";
      } else if (value != nullptr) {
        json::write(*value, all);
      }
    }
    return all;
  }

  Chain plain_;
  Chain hot_chain_;
  HotPath hot_;
  json::Parser parser_;
  json::Origin origin_{Uuid{}, 4711, WallTime{}};
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
      {{"unflatten", "{}"}, {"keep", "paths: [meta, http.a, x]"}, {"set", "{meta.z: 1, n: null}"}},
      {{"unflatten", "{}"},
       {"add_client_id", "{from: [{jwt: http.auth}, {basic: http.a}, x], to: meta.client}"},
       {"set", "{y: '{x|none}'}", "http.b == 1 or exists(x)"},
       {"event_meta", "{stream: '{x|s}', schema: /x/1.0.0, dt: when}"}},
      {{"unflatten", "{}"}, {"drop_nulls", "{}"}, {"where", "condition: meta.a != 1"}}};
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
