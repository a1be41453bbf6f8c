// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/raw_bytes.h"
#include "sources/line_reader.h"

namespace tailgate::sources {

/// How long parts of a line are waited for: their writer may have ended.
inline constexpr Millis kRestOfParts{30'000};

/// Since when lines are held back for the rest of a part.
class HeldBack {
 public:
  [[nodiscard]] bool over(Tick now) const { return since_ && now - *since_ >= kRestOfParts; }
  [[nodiscard]] std::optional<Tick> ends() const {
    return since_ ? std::optional(*since_ + kRestOfParts) : std::nullopt;
  }
  /// After a cut; `moved`: other lines are held back than before.
  void note(bool held, bool moved, Tick now) {
    if (!held) {
      since_.reset();
    } else if (!since_ || moved) {
      since_ = now;
    }
  }
  void reset() { since_.reset(); }

 private:
  std::optional<Tick> since_;
};

/// The bytes of an input that comes once, cut into lines as they arrive; what is no line yet waits for more. The lines of
/// a cut are valid until the next open().
class LineBuffer {
 public:
  LineBuffer(std::size_t max_line_bytes, Format format)
      : max_line_bytes_(max_line_bytes), format_(format) {}

  /// What follows is another input, or another place of it.
  void begin(std::uint64_t offset);
  /// Where more bytes are appended.
  RawBytes& open();
  /// False: no line ends here yet. `at_end`: nothing follows.
  bool cut(bool at_end, Tick now);
  [[nodiscard]] Cut& lines() { return cut_; }

  /// Something was read that is no line yet.
  [[nodiscard]] bool waits() const { return length_ > used_ || position_.too_long; }
  /// The offset at which the input goes on.
  [[nodiscard]] std::uint64_t end() const { return position_.scan + (length_ - used_); }
  /// Lines wait for a part's rest that did not come in time: cut() brings them without more bytes.
  [[nodiscard]] bool overdue(Tick now) const { return held_.over(now); }
  [[nodiscard]] std::optional<Tick> due() const { return held_.ends(); }

 private:
  const std::size_t max_line_bytes_;
  const Format format_;
  RawBytes text_;             // what is to be cut, then padding
  std::size_t length_ = 0;    // of text_ without the padding
  std::size_t used_ = 0;      // of text_, by the lines handed out last
  std::size_t searched_ = 0;  // what a line in pieces was searched for its end: each byte once
  CutPosition position_;
  Cut cut_;
  HeldBack held_;
};

}  // namespace tailgate::sources
