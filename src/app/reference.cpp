// SPDX-License-Identifier: Apache-2.0
#include "app/reference.h"

#include <algorithm>
#include <string>
#include <vector>

#include "filters/registry.h"
#include "pipeline/tables.h"
#include "sinks/registry.h"
#include "sinks/status.h"
#include "sources/registry.h"

namespace tailgate::app {
namespace {

using settings::SectionDoc;

SectionDoc map_doc(std::string name, std::string summary, settings::OptionTable options) {
  SectionDoc doc;
  doc.name = std::move(name);
  doc.summary = std::move(summary);
  doc.options = settings::options_of(options);
  return doc;
}

SectionDoc filters_doc(std::string name, std::string summary) {
  SectionDoc doc = map_doc(std::move(name), std::move(summary), pipeline::filter_step_options());
  doc.shape = SectionDoc::Shape::list;
  for (const FilterEntry& entry : filters::table()) {
    doc.kinds.push_back(
        map_doc(std::string(entry.name), std::string(entry.summary), entry.options));
  }
  return doc;
}

SectionDoc own_filters_doc() {
  SectionDoc doc;
  doc.name = "filters";
  doc.same_as = "filters";
  return doc;
}

SectionDoc sources_doc() {
  SectionDoc doc =
      map_doc("sources", "Where lines come from, by name.", pipeline::source_options());
  doc.shape = SectionDoc::Shape::named;
  for (const SourceEntry& entry : sources::table()) {
    SectionDoc kind = map_doc(std::string(entry.type), std::string(entry.summary), entry.options);
    for (const SourceSection& section : entry.sections) {
      kind.children.push_back(
          map_doc(std::string(section.name), std::string(section.summary), section.options));
    }
    doc.kinds.push_back(std::move(kind));
  }
  doc.children.push_back(own_filters_doc());
  return doc;
}

SectionDoc sinks_doc() {
  SectionDoc doc = map_doc("sinks", "Where events go, by name.", pipeline::sink_options());
  doc.shape = SectionDoc::Shape::named;
  for (const SinkEntry& entry : sinks::table()) {
    doc.kinds.push_back(
        map_doc(std::string(entry.type), std::string(entry.summary), entry.options));
  }
  doc.children.push_back(own_filters_doc());
  doc.children.push_back(
      map_doc("batch", "How events are put together.", pipeline::batch_options()));
  doc.children.push_back(
      map_doc("retry", "How failures are tried again.", pipeline::retry_options()));
  return doc;
}

}  // namespace

SectionDoc settings_doc() {
  SectionDoc root = map_doc("", "tailgate settings", pipeline::root_options());
  root.children.push_back(map_doc("shutdown", "How a stop drains.", pipeline::shutdown_options()));
  root.children.push_back(sources_doc());
  root.children.push_back(filters_doc("filters", "The shared chain, in order."));
  root.children.push_back(sinks_doc());
  root.children.push_back(map_doc("dead_letters", "What will not be delivered, with the reason.",
                                  pipeline::dead_letter_options()));
  root.children.push_back(map_doc("admin", "The admin server.", pipeline::admin_options()));
  return root;
}

std::string answers_doc() {
  return "\n## What answers mean\n\n"
         "Nothing is dropped: an event is delivered, waits, or becomes a dead letter with the "
         "reason.\n\n"
         "### HTTP and EventGate\n\n"
         "The first row that fits counts. EventGate's answers (201, 207, 400, 500) say by their "
         "body what became of "
         "each event, which goes before the table.\n\n" +
         sinks::status_table_markdown() + "\n### Kafka\n\n" + sinks::kafka_error_table_markdown();
}

SectionDoc settings_doc_by_type() {
  SectionDoc root = settings_doc();
  const auto with_default = [](settings::OptionTable table, std::string_view name,
                               std::string_view text) {
    std::vector<settings::Option> options = settings::options_of(table);
    for (settings::Option& option : options) {
      if (option.name == name) option.default_text = text;
    }
    return options;
  };
  for (SectionDoc& section : root.children) {
    if (section.name != "sinks") continue;
    for (const SinkEntry& entry : sinks::table()) {
      const auto kind = std::find_if(section.kinds.begin(), section.kinds.end(),
                                     [&](const SectionDoc& doc) { return doc.name == entry.type; });
      if (kind == section.kinds.end()) continue;
      if (entry.traits.network) {
        for (const settings::Option& option :
             with_default(pipeline::sink_options(), "timeout", entry.traits.timeout)) {
          if (option.name == "timeout") kind->options.push_back(option);
        }
      }
      SectionDoc batch;
      batch.name = "batch";
      batch.options =
          with_default(pipeline::batch_options(), "max_bytes", entry.traits.batch_bytes);
      kind->children.push_back(std::move(batch));
    }
  }
  return root;
}

}  // namespace tailgate::app
