// SPDX-License-Identifier: Apache-2.0
#include "sources/registry.h"

#include "sources/file_source.h"

namespace tailgate::sources {

std::span<const SourceEntry> table() {
  static const SourceEntry kTable[] = {file_source_entry()};
  return kTable;
}

}  // namespace tailgate::sources
