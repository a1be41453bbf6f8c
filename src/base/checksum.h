// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace tailgate {

/// XXH3 of 64 bits (https://xxhash.com) with a seed, at the speed of memory. Finds torn writes and flipped bits, not
/// forgeries.
std::uint64_t checksum(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace tailgate
