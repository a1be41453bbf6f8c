// SPDX-License-Identifier: Apache-2.0
#include "filters/registry.h"

#include <array>

namespace tailgate::filters {

extern const FilterEntry kEventMetaFilter;
extern const FilterEntry kKeepFilter;
extern const FilterEntry kRemoveFilter;
extern const FilterEntry kRenameFilter;
extern const FilterEntry kSetFilter;
extern const FilterEntry kWhereFilter;

std::span<const FilterEntry> table() {
  static const std::array kTable{
      kEventMetaFilter,  //
      kKeepFilter,       //
      kRemoveFilter,     //
      kRenameFilter,     //
      kSetFilter,        //
      kWhereFilter,
  };
  return kTable;
}

}  // namespace tailgate::filters
