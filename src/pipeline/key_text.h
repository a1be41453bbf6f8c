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
    Words there;
    std::memcpy(there.data(), at, kBytes);
    const Pair bits = ((there[0] ^ words[0]) & masks[0]) | ((there[1] ^ words[1]) & masks[1]);
    return bits[0] | bits[1];
  }

  Literal whole;
  Words first{};  // its first bytes
  Words mask{};   // of them, which are its own
  Words last{};   // of a longer one, its last bytes
};

}  // namespace tailgate::pipeline
