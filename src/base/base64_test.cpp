// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <doctest/doctest.h>

using namespace tailgate;

TEST_CASE("base64 gives RFC 4648's examples and reads them back") {
  for (const auto& [plain, text] : {std::pair<std::string, std::string>{"f", "Zg=="},
                                    {"fo", "Zm8="},
                                    {"foo", "Zm9v"},
                                    {"foob", "Zm9vYg=="},
                                    {"fooba", "Zm9vYmE="},
                                    {"foobar", "Zm9vYmFy"}}) {
    CHECK(base64(plain) == text);
    CHECK(from_base64(text) == plain);
  }
  const std::string bytes("\0\xff\n", 3);
  CHECK(from_base64(base64(bytes)) == bytes);
  CHECK(from_base64("") == "");
  CHECK_FALSE(from_base64("Zg").has_value());
  CHECK_FALSE(from_base64("\nZg==\n  ").has_value());
  CHECK_FALSE(from_base64("    ").has_value());
  CHECK_FALSE(from_base64("****").has_value());
}
