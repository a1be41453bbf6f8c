// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tailgate {

using Sha256 = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4) of `head` followed by `tail`. Allocates nothing after a thread's first
/// call.
Sha256 sha256(std::string_view head, std::string_view tail = {});
/// Writes the 64 lower-case hexadecimal digits (no terminator) to `out`.
void write_hex(const Sha256& hash, char* out);

}  // namespace tailgate
