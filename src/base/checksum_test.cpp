// SPDX-License-Identifier: Apache-2.0
#include "base/checksum.h"

#include <doctest/doctest.h>

namespace tailgate {
namespace {

TEST_CASE("CRC-32 of the standard's check string, in one piece and in two") {
  CHECK(crc32("123456789") == 0xCBF43926);
  CHECK(crc32("6789", crc32("12345")) == 0xCBF43926);
  CHECK(crc32("") == 0);
}

}  // namespace
}  // namespace tailgate
