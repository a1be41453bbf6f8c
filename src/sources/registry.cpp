// SPDX-License-Identifier: Apache-2.0
#include "sources/registry.h"

#include "sources/file_source.h"
#include "sources/reader_source.h"

namespace tailgate::sources {

std::span<const SourceEntry> table() {
  static const SourceEntry kTable[] = {file_source_entry(), stdin_source_entry(),
                                       read_source_entry()};
  return kTable;
}

}  // namespace tailgate::sources
