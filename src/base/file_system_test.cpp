// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <doctest/doctest.h>

namespace tailgate {

TEST_CASE("network file systems are known by their numbers") {
  CHECK(network_file_system(0x6969) == "NFS");
  CHECK(network_file_system(static_cast<long>(0xff534d42)) == "CIFS");
  CHECK(network_file_system(static_cast<int>(0xff534d42)) == "CIFS");
  CHECK(network_file_system(0xef53).empty());
}

TEST_CASE("what is not there, or is no file, is not remote") {
  CHECK_FALSE(is_remote("/nonexistent/file"));
  CHECK_FALSE(is_remote("/dev/null"));
  CHECK_FALSE(is_remote(-1));
}

}  // namespace tailgate
