// SPDX-License-Identifier: Apache-2.0
#include "base/checksum.h"

#include <doctest/doctest.h>

namespace tailgate {
namespace {

// What is on disk must be known again by every later version of the library.
TEST_CASE("XXH3 of nothing, of a text, with a seed") {
  CHECK(checksum("") == 0x2D06800538D394C2);
  CHECK(checksum("123456789") != checksum("123456788"));
  CHECK(checksum("123456789") != checksum("123456789", 1));
}

}  // namespace
}  // namespace tailgate
