// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "settings/describe.h"

namespace tailgate::settings {

/// A map's options and sections, wherever they were described: those of its kind first, then those
/// that all kinds have.
struct DocView {
  std::vector<const Option*> options;       // without those that a section gives way to
  std::vector<const SectionDoc*> children;  // sections in the map

  /// The parts in order; of two things with one name the first counts.
  static DocView of(const std::vector<const SectionDoc*>& parts);
  [[nodiscard]] const Option* option(std::string_view name) const;
  [[nodiscard]] const SectionDoc* child(std::string_view name) const;
};

/// The section that holds `doc`'s kinds and options: itself, or the child of `root` that it is the
/// same as.
const SectionDoc& resolved(const SectionDoc& doc, const SectionDoc& root);

}  // namespace tailgate::settings
