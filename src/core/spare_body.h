// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <utility>

namespace tailgate {

/// The body of a batch that is done, for the next one of its sink: a large one that is made anew costs a page fault for
/// each of its pages. One at most, and none so large that it would matter beside memory_limit. Any thread.
class SpareBody {
 public:
  static constexpr std::size_t kMost = std::size_t{2} << 20;

  /// An empty text, with room if there was a spare one.
  [[nodiscard]] std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(body_, {});
  }
  void give(std::string&& body) {
    if (body.capacity() > kMost) return;
    body.clear();
    const std::lock_guard lock(mutex_);
    if (body.capacity() > body_.capacity()) body_.swap(body);
  }

 private:
  std::mutex mutex_;
  std::string body_;
};

}  // namespace tailgate
