// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/schema.h"
#include "settings/options.h"

namespace tailgate::filters {

/// Where unflatten puts the value of one flat key, by its settings alone: what it does never
/// depends on other keys, so the answer may be kept. Immutable after read().
class KeySplit {
 public:
  struct Answer {
    const json::Path* given = nullptr;    // from `keys`; lives as long as this object
    std::vector<std::string_view> names;  // slices of the key; empty when it stays as it is
    bool unplaced = false;                // it has a separator, and the schema no place for it
  };

  /// Problems go to the section.
  void read(const settings::Section& options);
  /// `key` is decoded.
  [[nodiscard]] Answer split(std::string_view key) const;

 private:
  [[nodiscard]] bool wanted(std::string_view key) const;
  [[nodiscard]] bool under(std::string_view key, std::string_view prefix) const;
  [[nodiscard]] std::vector<std::string_view> split_everywhere(std::string_view key) const;

  std::string separator_;
  std::optional<Schema> schema_;
  std::map<std::string, json::Path, std::less<>> keys_;
  std::vector<std::string> only_;
  std::vector<std::string> except_;
  std::size_t max_depth_ = 0;
};

}  // namespace tailgate::filters
