// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace tailgate::json {

/// Where the quotes and backslashes of one line stand, as bitmaps: what the hot path steps from token to token by. It
/// knows no grammar. Keeps its memory from line to line; one thread.
class Scanner {
 public:
  Scanner();

  /// Looks through `line`, which must be followed by kPadding readable bytes. False: it holds a control character or a
  /// wrong escape or is not UTF-8, so it is the parser's, which says what is wrong (or finds white space between tokens).
  bool index(std::string_view line);

  /// The first quote at or after `at` that no backslash takes for itself; the line's size or more when there is none.
  [[nodiscard]] std::size_t quote_from(std::size_t at) const { return next_in(quotes_, at); }
  /// The same, for who keeps quotes() at hand.
  [[nodiscard]] const std::uint64_t* quotes() const { return quotes_; }
  static std::size_t next_in(const std::uint64_t* quotes, std::size_t at) {
    // Where bytes are in the order of their bits.
    if constexpr (std::endian::native == std::endian::little) {
      // Of the next 57 bytes, wherever `at` stands in its word: a branch on that would be guessed wrong every third time.
      std::uint64_t near = 0;
      std::memcpy(&near, reinterpret_cast<const char*>(quotes) + at / 8, sizeof near);
      near >>= at % 8;
      if (near != 0) [[likely]]
        return at + static_cast<std::size_t>(std::countr_zero(near));
    }
    std::size_t word = at / 64;
    std::uint64_t bits = quotes[word] & (~std::uint64_t{0} << (at % 64));
    while (bits == 0) bits = quotes[++word];  // ends at the sentinel behind the line
    return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
  }
  /// Whether a backslash stands in [begin, end).
  [[nodiscard]] bool has_escape(std::size_t begin, std::size_t end) const {
    return any_escape_ && find_escape(begin, end);
  }

 private:
  [[nodiscard]] bool find_escape(std::size_t begin, std::size_t end) const;

  std::unique_ptr<std::uint64_t[]> memory_;
  std::uint64_t* quotes_ = nullptr;   // one bit a byte, and a word of ones behind the line
  std::uint64_t* escapes_ = nullptr;  // backslashes
  std::size_t words_ = 0;             // that there is room for
  bool any_escape_ = false;
};

}  // namespace tailgate::json
