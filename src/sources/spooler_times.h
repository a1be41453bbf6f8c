// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace tailgate::sources {

/// How long bytes wait for others before they are synced together: half of the 50 ms in which they must be durable.
inline constexpr Millis kSpoolDelay{20};
/// After an attempt to store failed.
inline constexpr Millis kSpoolRetry{250};
/// That it is full is said so often at most.
inline constexpr Millis kSpoolSay{10'000};
/// For so long nothing is stored while others may have the ballast's space.
inline constexpr Millis kSpoolLend{2000};
/// What is settled is deleted so often, or when so much is.
inline constexpr Millis kSpoolRelease{1000};
inline constexpr std::uint64_t kSpoolReleaseBytes = std::uint64_t{8} << 20;
/// The most that a row holds.
inline constexpr std::size_t kSpoolRowBytes = std::size_t{1} << 20;
/// Beyond it, bytes stay in the spool until they are due.
inline constexpr std::size_t kSpoolQueueBytes = std::size_t{2} << 20;

}  // namespace tailgate::sources
