// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/parts.h"
#include "core/source.h"

namespace tailgate::sources {

/// How far bytes were cut into lines. A line's range begins where the range before it ended, so
/// what is skipped in front of a line (empty lines, NUL bytes, a BOM) belongs to it: however the
/// reads fall, a line has one offset.
struct CutPosition {
  std::uint64_t line = 0;  // where the next line's range begins
  std::uint64_t scan = 0;  // where to read on: what lies between the two is skipped
  bool too_long = false;   // `scan` is inside a line over the limit
  bool hole = false;       // so many NUL bytes were skipped that they are not the line's
  std::uint64_t key = 0;   // with too_long: that line comes in parts, of this output (see Part)
  struct GivenUp {
    std::uint64_t key;
    Line::Problem why;
  };
  std::vector<GivenUp> given_up = {};  // outputs whose line goes on, though it was given up
};

/// The lines of one read: `offsets` holds where each begins and where the last ends.
struct Cut {
  std::vector<std::uint64_t> offsets;
  std::vector<Line> lines;
  bool parts = false;  // some are parts of one line
  bool held = false;   // there are lines behind the last, held back until a part's rest has come
};

struct CutRules {
  std::size_t max_line_bytes = 0;
  Format format = Format::json;
  bool at_end = false;       // nothing follows: a last line needs no newline, and no rest
  bool hold = true;          // false: parts whose rest did not come are waited for no longer
  std::size_t searched = 0;  // so many of the first bytes are known to hold no newline
};

/// Cuts `text`, the bytes at position.scan, and moves the position on. Lines end with LF or CR LF;
/// those without anything in them are skipped. A line longer than `max_line_bytes` becomes
/// Line::Problem::too_long, and what was read of it is not needed again, so memory stays bounded. A
/// last line without its newline waits. So do parts whose rest has not come, and what stands behind them: the parts of a
/// line are always in one Cut, unless they are too far from each other or are waited for no longer (Problem::torn).
void cut_lines(std::string_view text, const CutRules& rules, CutPosition& position, Cut& out);

}  // namespace tailgate::sources
