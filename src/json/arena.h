// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tailgate::json {

/// Memory for the events of one pass: handed out in order, given back all at once by reset(). Blocks are kept, so a
/// warm arena allocates nothing. Holds only trivially destructible things. One thread.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(std::size_t size, std::size_t align) {
    auto at = (used_ + align - 1) & ~(align - 1);
    if (block_ >= blocks_.size() || at + size > blocks_[block_].size) {
      next_block(size + align);
      at = (used_ + align - 1) & ~(align - 1);
    }
    used_ = at + size;
    return blocks_[block_].bytes.get() + at;
  }

  template <class T>
  T* make() {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T{};
  }

  /// `size` bytes to write into.
  char* bytes(std::size_t size) { return static_cast<char*>(allocate(size, 1)); }

  std::string_view copy(std::string_view text) {
    char* out = bytes(text.size());
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  /// Everything handed out so far is gone; a block larger than `keep` is given back to the system.
  void reset(std::size_t keep = kKeep) {
    while (blocks_.size() > 1 && blocks_.back().size > keep) blocks_.pop_back();
    block_ = 0;
    used_ = 0;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{64} << 10;
  static constexpr std::size_t kKeep = std::size_t{256} << 10;
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };

  void next_block(std::size_t at_least) {
    std::size_t next = blocks_.empty() ? 0 : block_ + 1;
    while (next < blocks_.size() && blocks_[next].size < at_least) ++next;
    if (next >= blocks_.size()) {
      const std::size_t size = at_least > kBlock ? at_least : kBlock;
      // Not value-initialised: zeroing would touch pages that may never be used.
      blocks_.push_back({std::unique_ptr<char[]>(new char[size]), size});
      next = blocks_.size() - 1;
    }
    block_ = next;
    used_ = 0;
  }

  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace tailgate::json
