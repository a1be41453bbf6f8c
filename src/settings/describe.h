// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "settings/options.h"

namespace tailgate::settings {

/// What one section of the settings may hold: the tables that check it, arranged as the file is.
/// From it come the JSON Schema, the reference, and which values are secret. The root is a `map`
/// without a name, whose summary is the documents' title.
struct SectionDoc {
  enum class Shape {
    map,    // options, and the sections in `children`
    named,  // a map of freely named maps, each of one of the `kinds` by its `type`: sources, sinks
    list,   // a list of maps, each with one of the `kinds` as its key: filters
  };

  std::string name = {};
  std::string summary = {};
  Shape shape = Shape::map;
  /// named: those that every entry has; list: those beside the item's key (when, on_error).
  std::vector<Option> options = {};
  /// Maps in it, such as batch and retry; an option of the same name gives way.
  std::vector<SectionDoc> children = {};
  /// What they describe counts before `options` and `children` of the same name.
  std::vector<SectionDoc> kinds = {};
  /// It has the kinds and options of this child of the root: a sink's own filters.
  std::string same_as = {};
};

/// `options` copied from a table of the registry.
std::vector<Option> options_of(OptionTable table);

/// JSON Schema (draft-07) for editors. The same input gives the same bytes.
std::string json_schema(const SectionDoc& root);
/// Tables of option, type, default and meaning, one heading per section.
std::string reference_markdown(const SectionDoc& root);

}  // namespace tailgate::settings
