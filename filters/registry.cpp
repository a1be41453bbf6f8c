// SPDX-License-Identifier: Apache-2.0
#include "filters/registry.h"

#include <array>

namespace tailgate::filters {

extern const FilterEntry event_meta_filter;
extern const FilterEntry keep_filter;
extern const FilterEntry remove_filter;
extern const FilterEntry rename_filter;
extern const FilterEntry set_filter;

std::span<const FilterEntry> table() {
  static const std::array kTable{
      event_meta_filter, keep_filter, remove_filter, rename_filter, set_filter,
  };
  return kTable;
}

}  // namespace tailgate::filters
