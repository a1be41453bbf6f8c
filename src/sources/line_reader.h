// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/source.h"

namespace tailgate::sources {

/// How far bytes were cut into lines. A line's range begins where the range before it ended, so
/// what is skipped in front of a line (empty lines, NUL bytes, a BOM) belongs to it: however the
/// reads fall, a line has one offset.
struct CutPosition {
  std::uint64_t line = 0;  // where the next line's range begins
  std::uint64_t scan = 0;  // where to read on: what lies between the two is skipped
  bool too_long = false;   // `scan` is inside a line over the limit
};

/// The lines of one read: `offsets` holds where each begins and where the last ends.
struct Cut {
  std::vector<std::uint64_t> offsets;
  std::vector<Line> lines;
};

/// Cuts `text`, the bytes at position.scan, and moves the position on. Lines end with LF or CR LF;
/// those without anything in them are skipped. A line longer than `max_line_bytes` becomes
/// Line::Problem::too_long, and what was read of it is not needed again, so memory stays bounded. A
/// last line without its newline waits, unless this is the end.
void cut_lines(std::string_view text, std::size_t max_line_bytes, bool at_end,
               CutPosition& position, Cut& out);

}  // namespace tailgate::sources
