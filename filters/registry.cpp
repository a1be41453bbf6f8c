// SPDX-License-Identifier: Apache-2.0
#include "filters/registry.h"

#include <array>

namespace tailgate::filters {

extern const FilterEntry add_client_id_filter;
extern const FilterEntry drop_nulls_filter;
extern const FilterEntry event_meta_filter;
extern const FilterEntry keep_filter;
extern const FilterEntry remove_filter;
extern const FilterEntry rename_filter;
extern const FilterEntry set_filter;
extern const FilterEntry unflatten_filter;

std::span<const FilterEntry> table() {
  static const std::array kTable{
      add_client_id_filter, drop_nulls_filter, event_meta_filter, keep_filter,
      remove_filter,        rename_filter,     set_filter,        unflatten_filter,
  };
  return kTable;
}

}  // namespace tailgate::filters
