// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

#include "base/units.h"
#include "core/spare_bodies.h"

namespace tailgate {

/// The memory of events on their way, counted for the whole process against `memory_limit`. Reading stops while
/// has_room() is false; what was read is always taken. Thread-safe.
class Credits {
 public:
  /// `headroom`: what one read can turn into at most, over all sinks.
  Credits(Bytes limit, Bytes headroom)
      : limit_(limit), headroom_(headroom), spare_(std::min(limit / 8, kMostSpare)) {}

  /// With nothing under way there is always room: a limit below the headroom slows down, it does not stop.
  [[nodiscard]] bool has_room() const {
    const Bytes now = used();
    return now == 0 || now + headroom_ <= limit_;
  }
  [[nodiscard]] Bytes used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] Bytes limit() const { return limit_; }
  [[nodiscard]] SpareBodies& spare_bodies() { return spare_; }

 private:
  friend class Lease;
  static constexpr Bytes kMostSpare = Bytes{2} << 20;

  Bytes limit_;
  Bytes headroom_;
  std::atomic<Bytes> used_{0};
  SpareBodies spare_;
};

/// Bytes counted as used until it is destroyed or set to 0. Movable.
class Lease {
 public:
  Lease() = default;
  explicit Lease(Credits& credits) : credits_(&credits) {}
  Lease(Lease&& other) noexcept
      : credits_(std::exchange(other.credits_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(credits_, other.credits_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Lease() { set(0); }

  void set(Bytes bytes) {
    if (credits_ == nullptr) return;
    credits_->used_.fetch_add(bytes - bytes_, std::memory_order_relaxed);
    bytes_ = bytes;
  }
  [[nodiscard]] Credits* credits() const { return credits_; }

 private:
  Credits* credits_ = nullptr;
  Bytes bytes_ = 0;
};

}  // namespace tailgate
