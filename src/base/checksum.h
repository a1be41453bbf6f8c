// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace tailgate {

/// CRC-32 (ISO-HDLC, as in gzip) of `bytes` after bytes whose checksum is `before`. Finds torn pages and flipped bits,
/// not forgeries.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace tailgate
