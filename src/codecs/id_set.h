// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace tailgate::codecs {

/// The ids of one batch, by their hashes alone: two ids with one hash only cut a batch early. Keeps
/// its memory from batch to batch; no allocation per id.
class IdSet {
 public:
  IdSet() : slots_(kFirstSize) {}

  [[nodiscard]] bool contains(std::string_view id) const { return slots_[slot(hash(id))] != 0; }
  void insert(std::string_view id) {
    const std::size_t key = hash(id);
    std::size_t& at = slots_[slot(key)];
    if (at != 0) return;
    at = key;
    if (++size_ * 2 > slots_.size()) grow();
  }
  void clear() {
    if (size_ != 0) slots_.assign(slots_.size(), 0);
    size_ = 0;
  }

 private:
  static constexpr std::size_t kFirstSize = 1024;  // a power of two

  static std::size_t hash(std::string_view id) {
    const std::size_t key = std::hash<std::string_view>{}(id);
    return key == 0 ? 1 : key;  // 0 marks a free slot
  }
  /// Where the key is, or where it would go.
  [[nodiscard]] std::size_t slot(std::size_t key) const {
    std::size_t at = key & (slots_.size() - 1);
    while (slots_[at] != 0 && slots_[at] != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<std::size_t> before(slots_.size() * 2);
    before.swap(slots_);
    for (const std::size_t key : before) {
      if (key != 0) slots_[slot(key)] = key;
    }
  }

  std::vector<std::size_t> slots_;
  std::size_t size_ = 0;
};

}  // namespace tailgate::codecs
