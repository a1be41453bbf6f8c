// SPDX-License-Identifier: Apache-2.0
// What `validate` says beside errors, and its --connect.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <string_view>

#include "pipeline/build.h"
#include "pipeline/tables.h"
#include "sinks/registry.h"

namespace tailgate::pipeline {
namespace {

using settings::Node;
using settings::Problems;

const SinkEntry* sink_entry(const Node& node) {
  for (const SinkEntry& entry : sinks::table()) {
    if (entry.type == node.at("type").text()) return &entry;
  }
  return nullptr;
}

void warn_about_filters(const Node& list, Problems& problems) {
  if (!list.is_list()) return;
  for (const Node& item : list.items()) {
    const Node unflatten = item.at("unflatten");
    const Node separator = unflatten.at("separator");
    if (separator.is_scalar() && separator.text() == "_" && !unflatten.at("schema").given() &&
        !unflatten.at("keys").given()) {
      problems.warn(separator,
                    "\"_\" also splits words: http_status_code becomes http.status.code; give a "
                    "schema or keys");
    }
    const Node keep = item.at("add_client_id").at("keep_credentials");
    if (keep.is_scalar() && keep.text() == "true") {
      problems.warn(keep, "keep_credentials: tokens leave with the events");
    }
  }
}

bool has_filter(const Node& list, std::string_view name) {
  if (!list.is_list()) return false;
  const auto& items = list.items();
  return std::any_of(items.begin(), items.end(),
                     [name](const Node& item) { return item.at(name).given(); });
}

bool mentions_credentials(const Node& list) {
  if (!list.is_list()) return false;
  for (const Node& item : list.items()) {
    if (item.at("add_client_id").given() || item.at("remove").given() || item.at("keep").given())
      return true;
  }
  return false;
}

// A sink's file that a source reads: each event would come again, and grow the file for ever.
void warn_about_circles(const Node& root, Problems& problems) {
  const Node sinks = root.at("sinks");
  const Node sources = root.at("sources");
  for (const auto& [sink, options] : sinks.members()) {
    const Node path = options.at("path");
    for (const auto& [source, reads] : sources.members()) {
      const Node paths = reads.at("paths");
      if (!path.is_scalar() || !paths.is_list()) continue;
      for (const Node& pattern : paths.items()) {
        if (::fnmatch(pattern.text().c_str(), path.text().c_str(), FNM_PATHNAME) == 0)
          problems.warn(path, fmt::format("the source {} reads this file too ({}): what is written "
                                          "would be read again, for ever",
                                          source.text(), pattern.text()));
      }
    }
  }
}

}  // namespace

void warn_about(const Node& root, Problems& problems) {
  bool unconditional = false;
  const Node sinks = root.at("sinks");
  for (const auto& [name, sink] : sinks.members()) {
    unconditional = unconditional || !sink.at("when").given();
    const SinkEntry* entry = sink_entry(sink);
    const Node meta_id = sink.at("meta_id");
    const bool keeps = meta_id.is_scalar() && meta_id.text() == "keep";
    if (entry == nullptr || !entry->traits.needs_meta_id || keeps ||
        has_filter(root.at("filters"), "event_meta") ||
        has_filter(sink.at("filters"), "event_meta"))
      continue;
    problems.warn(sink,
                  "a filter event_meta is added: it sets meta.id and meta.dt; events that bring no "
                  "$schema and meta.stream of their own are refused unless you name them: "
                  "`event_meta: {stream: …, schema: …}`");
  }
  if (!unconditional) {
    problems.warn(sinks,
                  "every sink has a `when`: events that match none are filtered as unrouted");
  }
  warn_about_circles(root, problems);
  warn_about_filters(root.at("filters"), problems);
  const Node sources = root.at("sources");
  for (const auto& [name, source] : sources.members())
    warn_about_filters(source.at("filters"), problems);
  if (!mentions_credentials(root.at("filters"))) {
    problems.warn(root.at("filters"),
                  "nothing removes an authorization header: if the log holds one, it leaves with "
                  "every event");
  }
}

std::string probe_sinks(const Node& root, const BuildContext& context) {
  std::string trouble;
  Problems ignored;  // the same sections were checked before
  const auto transports = sinks::make_transports(*context.clock);
  const Node named = root.at("sinks");
  for (const auto& [name, sink] : named.members()) {
    const SinkEntry* entry = sink_entry(sink);
    if (entry == nullptr || entry->probe == nullptr) continue;
    std::vector<settings::Option> table(entry->options.begin(), entry->options.end());
    for (const settings::Option& option : sink_options()) table.push_back(option);
    const settings::Section section(sink, table, ignored);
    SinkContext probe{name.text(), context.log.named("sink " + name.text()), context.clock.get(),
                      transports, Millis(5'000)};
    const std::string wrong = entry->probe(section, std::move(probe));
    if (!wrong.empty()) trouble += fmt::format("{}: {}\n", name.text(), wrong);
  }
  return trouble;
}

}  // namespace tailgate::pipeline
