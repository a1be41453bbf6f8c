// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <doctest/doctest.h>

#include <string>

namespace tailgate {
namespace {

std::string hex(std::string_view head, std::string_view tail = {}) {
  std::string out(64, '\0');
  write_hex(sha256(head, tail), out.data());
  return out;
}

TEST_CASE("SHA-256 of the examples of FIPS 180-4") {
  CHECK(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("head and tail are hashed as one text") {
  CHECK(hex("a", "bc") == hex("abc"));
  CHECK(hex("", "abc") == hex("abc"));
}

}  // namespace
}  // namespace tailgate
