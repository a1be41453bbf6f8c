// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/units.h"

namespace tailgate::sources {

/// The options of a file source.
struct FileSettings {
  std::vector<std::string> paths = {};
  std::vector<std::string> exclude = {};
  bool start_at_end = false;
  std::size_t max_line_bytes = std::size_t{1} << 20;
  std::size_t rotated_max_files = 64;
  Bytes rotated_max_bytes = Bytes{10} << 30;
};

}  // namespace tailgate::sources
