// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>

#include "base/clock.h"

namespace tailgate {

/// Exponential backoff with full jitter: a random time up to min(max, initial × 2^n). Source: M. Brooker, "Exponential
/// Backoff And Jitter", AWS Architecture Blog 2015. One thread.
class Backoff {
 public:
  Backoff(Millis initial, Millis max, std::uint64_t seed)
      : initial_(initial), max_(max), random_(seed) {}

  /// The next wait, at least `at_least` (the server's Retry-After).
  Millis next(Millis at_least = Millis(0));
  /// A wait for something that failed `tries` times, without changing the state.
  Millis for_tries(unsigned tries);
  void reset() { tries_ = 0; }

 private:
  Millis initial_;
  Millis max_;
  std::mt19937_64 random_;
  unsigned tries_ = 0;
};

}  // namespace tailgate
