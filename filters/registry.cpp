// SPDX-License-Identifier: Apache-2.0
#include "filters/registry.h"

#include <array>

namespace tailgate::filters {

extern const FilterEntry kAddClientIdFilter;
extern const FilterEntry kConvertFilter;
extern const FilterEntry kDropNullsFilter;
extern const FilterEntry kEventMetaFilter;
extern const FilterEntry kKeepFilter;
extern const FilterEntry kRemoveFilter;
extern const FilterEntry kRenameFilter;
extern const FilterEntry kSetFilter;
extern const FilterEntry kUnflattenFilter;
extern const FilterEntry kValidateSchemaFilter;
extern const FilterEntry kWhereFilter;

std::span<const FilterEntry> table() {
  // Copied at the first call, when every entry is there: they are constants of their files.
  static const std::array kTable{
      kAddClientIdFilter, kConvertFilter,        kDropNullsFilter, kEventMetaFilter,
      kKeepFilter,        kRemoveFilter,         kRenameFilter,    kSetFilter,
      kUnflattenFilter,   kValidateSchemaFilter, kWhereFilter,
  };
  return kTable;
}

}  // namespace tailgate::filters
