// SPDX-License-Identifier: Apache-2.0
#include "base/backoff.h"

#include <algorithm>

namespace tailgate {

Millis Backoff::next(Millis at_least) {
  const Millis wait = for_tries(tries_);
  if (tries_ < 32) ++tries_;
  return std::max(at_least, wait);
}

Millis Backoff::for_tries(unsigned tries) {
  const unsigned doublings = std::min(tries, 20U);
  const Millis::rep cap = std::min(max_.count(), initial_.count() << doublings);
  std::uniform_int_distribution<Millis::rep> wait(1, std::max<Millis::rep>(1, cap));
  return Millis(wait(random_));
}

}  // namespace tailgate
