// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tailgate::pipeline {

/// Text that is copied in whole vectors: kOver bytes behind its end are readable, and mean nothing.
struct Literal {
  static constexpr std::size_t kOver = 64;
  const char* bytes = nullptr;
  std::uint32_t size = 0;
};

/// Copies in whole vectors: up to Literal::kOver - 1 bytes more are read and written. The end of what was asked for.
inline char* copied(char* out, const char* from, std::size_t size) {
  constexpr std::size_t kVector = Literal::kOver;
  std::memcpy(out, from, kVector);
  for (std::size_t at = kVector; at < size; at += kVector)
    std::memcpy(out + at, from + at, kVector);
  return out + size;
}

/// A key as it stands in a line, `"key":`, compared without a branch for each of its words.
struct KeyText {
  /// Two words in one register, with GCC and with clang.
  using Pair [[gnu::vector_size(16)]] = std::uint64_t;
  using Words = std::array<Pair, 2>;
  static constexpr std::size_t kBytes = sizeof(Words);
  explicit KeyText(Literal literal);
  KeyText() = default;

  /// `at`: at least kBytes can be read there, and as many as the key has.
  [[nodiscard]] bool stands_at(const char* at) const {
    return differs(at, first, mask) == 0 &&
           (whole.size <= kBytes ||
            (differs(at + whole.size - kBytes, last, mask) == 0 &&
             (whole.size <= 2 * kBytes || std::memcmp(at, whole.bytes, whole.size) == 0)));
  }
  static std::uint64_t differs(const char* at, const Words& words, const Words& masks) {
    Pair low;
    Pair high;
    std::memcpy(&low, at, sizeof low);
    std::memcpy(&high, at + sizeof low, sizeof high);
    const Pair bits = ((low ^ words[0]) & masks[0]) | ((high ^ words[1]) & masks[1]);
    return bits[0] | bits[1];
  }

  Literal whole;
  Words first{};  // its first bytes
  Words mask{};   // of them, which are its own
  Words last{};   // of a longer one, its last bytes
};

}  // namespace tailgate::pipeline
