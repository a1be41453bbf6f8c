// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"

namespace tailgate {

/// Bodies of batches that are done, for those to come: a large one that is made anew costs a page fault for each of its
/// pages. They are no events on their way, so they are not counted against the credits; `most` bytes are kept. Any thread.
class SpareBodies {
 public:
  explicit SpareBodies(Bytes most) : most_(most) {}

  /// An empty text with room for `bytes`, and not for much more: it is counted in full. The last that was given, as the
  /// processor's cache holds it yet. Without room: there is none.
  [[nodiscard]] std::string take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto fits = std::find_if(bodies_.rbegin(), bodies_.rend(), [&](const std::string& body) {
      return body.capacity() >= bytes && body.capacity() <= 2 * bytes;
    });
    if (fits == bodies_.rend()) return {};
    std::string body = std::move(*fits);
    bodies_.erase(std::next(fits).base());
    kept_ -= body.capacity();
    return body;
  }
  /// The oldest make room for it.
  void give(std::string&& given) {
    std::string body = std::move(given);
    if (body.capacity() < kLeast || body.capacity() > most_) return;
    body.clear();
    const std::lock_guard lock(mutex_);
    while (kept_ + body.capacity() > most_) {
      kept_ -= bodies_.front().capacity();
      bodies_.erase(bodies_.begin());
    }
    kept_ += body.capacity();
    bodies_.push_back(std::move(body));
  }

 private:
  static constexpr std::size_t kLeast = std::size_t{32} << 10;  // smaller ones are cheap

  const Bytes most_;
  std::mutex mutex_;
  std::vector<std::string> bodies_;
  Bytes kept_ = 0;
};

}  // namespace tailgate
