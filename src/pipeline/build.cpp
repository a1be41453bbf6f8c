// SPDX-License-Identifier: Apache-2.0
#include "pipeline/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "codecs/registry.h"
#include "filters/registry.h"
#include "pipeline/tables.h"
#include "sinks/registry.h"
#include "sources/registry.h"
#include "state/spool.h"

namespace tailgate::pipeline {
namespace {

using settings::Node;
using settings::Option;
using settings::Problems;
using settings::Section;

template <class Entry>
const Entry* find_type(std::span<const Entry> table, const Node& node, std::string_view kind,
                       Problems& problems) {
  const Node type = node.at("type");
  if (!type.given()) {
    for (const auto& [key, value] : node.members()) {
      if (settings::did_you_mean(key.text(), {"type"}).empty()) continue;
      problems.add(key, "unknown option; did you mean type?");
      return nullptr;
    }
    problems.add(node, fmt::format("type is missing: which {} is it?", kind));
    return nullptr;
  }
  for (const Entry& entry : table) {
    if (entry.type == type.text()) return &entry;
  }
  std::vector<std::string_view> names;
  for (const Entry& entry : table) {
    names.push_back(entry.type);
  }
  const std::string_view close = settings::did_you_mean(type.text(), names);
  problems.add(type, fmt::format("there is no {} type \"{}\"{}", kind, type.text(),
                                 close.empty() ? "" : fmt::format("; did you mean {}?", close)));
  return nullptr;
}

// The table of one source or sink: what all have, then its own.
std::vector<Option> joined(settings::OptionTable all, settings::OptionTable own) {
  std::vector<Option> table(all.begin(), all.end());
  for (const Option& option : own) {
    const auto same = std::find_if(table.begin(), table.end(),
                                   [&](const Option& o) { return o.name == option.name; });
    if (same == table.end()) {
      table.push_back(option);
    } else {
      *same = option;  // its own meaning or default goes before
    }
  }
  return table;
}

ParseRules parse_rules(const Section& section) {
  ParseRules rules;
  const std::string format = section.text("format");
  if (format == "cri") rules.format = Format::cri;
  if (format == "docker") rules.format = Format::docker;
  if (format == "journald") rules.format = Format::journald;
  if (format == "auto") rules.format = Format::automatic;
  rules.skip_prefix = section.text("prefix") == "skip";
  const std::string not_json = section.text("not_json");
  if (not_json == "skip") rules.not_json = NotJson::skip;
  if (not_json == "pass") rules.not_json = NotJson::pass;
  rules.replace_invalid_utf8 = section.text("invalid_utf8") == "replace";
  return rules;
}

std::size_t positive(const Section& section, std::string_view name) {
  const std::int64_t number = section.integer(name);
  if (number >= 1) return static_cast<std::size_t>(number);
  section.problem(name, "must be at least 1");
  return 1;
}

BatchLimits batch_limits(const Section& sink, const SinkTraits& traits, Problems& problems) {
  const Section section(sink.node("batch"), batch_options(), problems);
  BatchLimits limits;
  limits.max_events = positive(section, "max_events");
  limits.max_bytes =
      section.given("max_bytes") ? section.bytes("max_bytes") : *parse_bytes(traits.batch_bytes);
  limits.max_wait = section.duration("max_wait");
  return limits;
}

SenderRules sender_rules(const std::string& name, const Section& sink, const SinkTraits& traits,
                         Problems& problems) {
  const Section retry(sink.node("retry"), retry_options(), problems);
  SenderRules rules;
  rules.sink = name;
  rules.strict = sink.text("ordering") == "strict";
  rules.max_in_flight = rules.strict ? 1 : static_cast<unsigned>(positive(sink, "max_in_flight"));
  rules.self_retrying = traits.self_retrying;
  rules.retry.initial = std::max(retry.duration("initial"), Millis(1));
  rules.retry.max = std::max(retry.duration("max"), rules.retry.initial);
  if (retry.duration("initial") > retry.duration("max")) {
    retry.problem(
        retry.given("max") ? "max" : "initial",
        fmt::format("initial ({}) is more than max ({})", human_duration(retry.duration("initial")),
                    human_duration(retry.duration("max"))));
  }
  rules.retry.event_attempts = static_cast<unsigned>(positive(retry, "event_attempts"));
  return rules;
}

bool has_event_meta(const Chain& chain) {
  return std::any_of(chain.steps().begin(), chain.steps().end(), [](const Chain::Step& step) {
    return step.name == "event_meta" && !step.when;
  });
}

// EventGate's answers are matched by meta.id, so every event needs one.
Chain with_event_meta(Chain chain, Problems& problems) {
  std::vector<Chain::Step> steps;
  for (const FilterEntry& entry : filters::table()) {
    if (entry.name != "event_meta") continue;
    Chain::Step step;
    step.name = "event_meta";
    step.filter = entry.make(Section(Node{}, entry.options, problems));
    steps.push_back(std::move(step));
  }
  return std::move(chain).with(std::move(steps));
}

struct Builder {
  const Node& root;
  const General& general;
  const BuildContext& context;
  Problems& problems;
  Parts& parts;
  std::shared_ptr<Transports> transports;
  std::map<std::string_view, std::string> once = {};  // by type, the source that reads it
  Bytes longest_line = 0;

  void add_source(const std::string& name, const Node& node,
                  const std::vector<std::string>& sinks) {
    const SourceEntry* entry = find_type(sources::table(), node, "source", problems);
    if (entry == nullptr) return;
    const std::vector<Option> table = joined(source_options(), entry->options);
    const Section section(node, table, problems);
    if (entry->only_once && !once.emplace(entry->type, name).second) {
      problems.add(node, fmt::format("{} has one reader only, and `{}` is it already", entry->type,
                                     once[entry->type]));
    }
    if (entry->needs_data_dir && context.need_data_dir && general.data_dir.empty()) {
      problems.add(node, "a file source needs a data_dir, where its positions are kept");
    }
    Inlet inlet{name, nullptr, LineParser(parse_rules(section)),
                build_chain(section.node("filters"), problems),
                std::make_unique<metrics::SourceCounters>()};
    longest_line = std::max(longest_line, section.bytes("max_line_bytes"));
    SourceContext source;
    source.name = name;
    source.log = context.log.named("source " + name);
    source.clock = context.clock.get();
    source.store = context.store;
    source.sinks = sinks;
    source.counters = inlet.counters.get();
    source.data_dir = general.data_dir;
    source.once = context.once;
    source.format = inlet.parser.format();
    inlet.source = entry->make(section, std::move(source));
    if (inlet.source != nullptr) parts.inlets.push_back(std::move(inlet));
  }

  void add_sink(const std::string& name, const Node& node) {
    const SinkEntry* entry = find_type(sinks::table(), node, "sink", problems);
    if (entry == nullptr) return;
    const std::vector<Option> table = joined(sink_options(), entry->options);
    const Section section(node, table, problems);
    Outlet outlet;
    outlet.name = name;
    outlet.type = entry->type;
    if (section.given("when")) {
      auto condition = Condition::parse(section.text("when"));
      if (condition.has_value()) {
        outlet.when = std::move(*condition);
      } else {
        section.problem("when", condition.error().what);
      }
    }
    outlet.filters = build_chain(section.node("filters"), problems);
    const bool keeps_ids = node.at("meta_id").given() && node.at("meta_id").text() == "keep";
    if (entry->traits.needs_meta_id && !keeps_ids && !has_event_meta(parts.filters) &&
        !has_event_meta(outlet.filters)) {
      outlet.filters = with_event_meta(std::move(outlet.filters), problems);
    }
    outlet.counters = std::make_unique<metrics::SinkCounters>();
    // A sink that collects by itself (linger.ms) is not to wait for batch.max_wait besides.
    outlet.flush_when_idle =
        entry->traits.self_retrying || (context.interactive && !entry->traits.network);
    for (const codecs::Entry& codec : codecs::table()) {
      if (codec.name == entry->traits.codec) outlet.codec = codec.make(section);
    }
    const Log log = context.log.named("sink " + name);
    SinkContext sink_context{name, log, context.clock.get(), transports, Millis(0)};
    sink_context.timeout = section.given("timeout") ? section.duration("timeout")
                                                    : *parse_duration(entry->traits.timeout);
    const SenderRules rules = sender_rules(name, section, entry->traits, problems);
    const BatchLimits limits = batch_limits(section, entry->traits, problems);
    std::unique_ptr<Sink> sink = entry->make(section, std::move(sink_context));
    if (sink == nullptr || outlet.codec == nullptr) return;
    outlet.lane =
        std::make_unique<Lane>(rules, std::move(sink), *parts.dead_letters, *outlet.counters,
                               *context.clock, log, [wake = parts.wake] { wake->offer(); });
    outlet.batcher = std::make_unique<Batcher>(parts.outlets.size(), *outlet.codec,
                                               outlet.lane->buffer(), *parts.credits, limits);
    parts.outlets.push_back(std::move(outlet));
  }

  // A line that is no text is four thirds of itself in base64, and its letter says more than the line.
  void check_dead_letters() const {
    const Bytes needed = 2 * longest_line;
    if (general.dead_letter_limits.max_bytes >= needed) return;
    problems.add(
        root.at("dead_letters").at("max_bytes"),
        fmt::format("must be at least {}, twice the largest max_line_bytes of the sources: "
                    "the dead letter of such a line would never have room",
                    human_bytes(needed)));
  }
};

// Names stand in metrics, in dead letters and on command lines.
bool is_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

// Members of `sources` or `sinks`: a map of maps.
std::vector<std::pair<std::string, Node>> named(const Node& map, std::string_view what,
                                                Problems& problems) {
  std::vector<std::pair<std::string, Node>> result;
  if (!map.given()) return result;
  if (!map.is_map() || map.members().empty()) {
    problems.add(map, fmt::format("at least one {} is needed: `name: {{type: …}}`", what));
    return result;
  }
  for (const auto& [key, value] : map.members()) {
    if (!is_name(key.text())) {
      problems.add(key,
                   fmt::format("a {}'s name is made of letters, digits, _ and -, and begins with a "
                               "letter or _",
                               what));
    }
    if (value.is_map()) {
      result.emplace_back(key.text(), value);
    } else {
      problems.add(value, fmt::format("a {} is a map with a type", what));
    }
  }
  return result;
}

}  // namespace

General read_general(const Node& root, Problems& problems) {
  const Section section(root, root_options(), problems);
  if (section.given("version") && section.integer("version") != 1) {
    section.problem("version", "this program reads version 1");
  }
  General general;
  general.data_dir = section.text("data_dir");
  general.data_dir_on_network = section.flag("data_dir_on_network");
  general.memory_limit = section.bytes("memory_limit");
  if (general.memory_limit < (Bytes{1} << 20))
    section.problem("memory_limit", "must be at least 1MiB");
  const Section shutdown(section.node("shutdown"), shutdown_options(), problems);
  general.run.grace = shutdown.duration("grace");
  general.run.quiet = shutdown.duration("quiet");
  const Section dead(section.node("dead_letters"), dead_letter_options(), problems);
  if (!general.data_dir.empty() || std::filesystem::path(dead.text("path")).is_absolute()) {
    general.dead_letter_folder =
        (std::filesystem::path(general.data_dir) / dead.text("path")).string();
  }
  general.dead_letter_limits = {dead.bytes("max_bytes"), dead.duration("max_age"),
                                dead.text("when_full") == "block"};
  const Section admin(section.node("admin"), admin_options(), problems);
  general.admin_listen = admin.text("listen");
  return general;
}

std::optional<Parts> build(const Node& root, const General& general, DeadLetters dead_letters,
                           const BuildContext& context, Problems& problems) {
  Parts parts;
  parts.clock = context.clock;
  parts.wake = std::make_shared<Wake>();
  parts.log = context.log;
  parts.rules = general.run;
  parts.rules.once = context.once;
  parts.dead_letters = std::make_unique<DeadLetters>(std::move(dead_letters));
  const auto sinks = named(root.at("sinks"), "sink", problems);
  const Bytes read = std::min<Bytes>(Bytes{256} << 10, general.memory_limit / 16);
  parts.rules.read_bytes = static_cast<std::size_t>(read);
  // What is read grows by what filters add; twice its size for each sink is more than that.
  parts.credits = std::make_unique<Credits>(general.memory_limit,
                                            read * 2 * std::max<std::size_t>(sinks.size(), 1));
  parts.filters = build_chain(root.at("filters"), problems);
  Builder builder{root, general, context, problems, parts, sinks::make_transports(*context.clock)};
  std::vector<std::string> names;
  for (const auto& [name, node] : sinks) {
    names.push_back(name);
    builder.add_sink(name, node);
  }
  for (const auto& [name, node] : named(root.at("sources"), "source", problems))
    builder.add_source(name, node, names);
  builder.check_dead_letters();
  const std::uint64_t spooled = context.store == nullptr || builder.once.contains("stdin")
                                    ? 0
                                    : state::spooled_bytes(general.data_dir);
  if (spooled > 0) {
    context.log.warn("{} wait in {}/spool and are not sent: no source reads stdin",
                     human_bytes(spooled), general.data_dir);
  }
  if (problems.any()) {
    for (Outlet& outlet : parts.outlets) outlet.batcher.reset();
    return std::nullopt;
  }
  return parts;
}

}  // namespace tailgate::pipeline
