// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace tailgate {

/// Leaves elements as they are where std::allocator would make them zero: a buffer that grows to be read into costs
/// nothing but its memory.
template <class T>
struct Uninitialized : std::allocator<T> {
  Uninitialized() = default;
  template <class U>
  explicit Uninitialized(const Uninitialized<U>& /*other*/) noexcept {}
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
};

/// resize() adds bytes without a value.
using RawBytes = std::vector<char, Uninitialized<char>>;

/// In one piece, where insert() would copy byte by byte.
inline void append(RawBytes& to, std::string_view bytes) {
  const std::size_t before = to.size();
  to.resize(before + bytes.size());
  if (!bytes.empty()) std::memcpy(to.data() + before, bytes.data(), bytes.size());
}

}  // namespace tailgate
