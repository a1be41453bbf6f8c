// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"

namespace tailgate::sources {

/// Which disk space is freed when every sink has settled what it holds.
enum class Reclaim : std::uint8_t {
  none,
  punch_hole,      // inside the files, which keep their size (fallocate(2))
  delete_rotated,  // whole files that were rotated away
};

/// The options of a file source.
struct FileSettings {
  std::vector<std::string> paths = {};
  std::vector<std::string> exclude = {};
  bool start_at_end = false;
  std::size_t max_line_bytes = std::size_t{1} << 20;
  std::size_t rotated_max_files = 64;
  Bytes rotated_max_bytes = Bytes{10} << 30;
  Reclaim reclaim = Reclaim::none;
  Bytes max_backlog = 0;  // 0: no limit
  bool drop_backlog =
      false;  // beyond it the oldest lines are dropped; else it is said, and they wait
};

}  // namespace tailgate::sources
