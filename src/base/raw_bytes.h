// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace tailgate {

/// Leaves elements as they are where std::allocator would make them zero: a buffer that grows to be read into costs
/// nothing but its memory.
template <class T>
struct Uninitialized : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = Uninitialized<U>;
  };
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

}  // namespace tailgate
