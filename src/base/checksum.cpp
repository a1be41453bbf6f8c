// SPDX-License-Identifier: Apache-2.0
#include "base/checksum.h"

#include <zlib.h>

namespace tailgate {

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  return static_cast<std::uint32_t>(
      ::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace tailgate
