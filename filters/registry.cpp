// SPDX-License-Identifier: Apache-2.0
#include "filters/registry.h"

#include <array>

namespace tailgate::filters {

<<<<<<< HEAD
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
=======
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
>>>>>>> filters-b
  };
  return kTable;
}

}  // namespace tailgate::filters
