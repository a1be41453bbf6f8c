// SPDX-License-Identifier: Apache-2.0
#include "settings/address.h"

#include <doctest/doctest.h>

using tailgate::settings::Address;

TEST_CASE("an address is a host and a port") {
  CHECK(Address::parse("127.0.0.1:9600")->text() == "127.0.0.1:9600");
  CHECK(Address::parse("localhost:0")->port == 0);
  CHECK(Address::parse("[::1]:9600")->host == "::1");
  CHECK(Address::parse("[::1]:9600")->text() == "[::1]:9600");
}

TEST_CASE("what is no address is refused") {
  for (const char* text :
       {"", "9600", "127.0.0.1", "[::1]", ":9600", "a:", "a:b", "a:65536", "a:-1", "1.2.3.4.5:9600",
        "1.2.3:9600", "256.1.1.1:9600", "a b:1", "::1:9600", "http://a:1", "[a]:1", "a..b:1"}) {
    CAPTURE(text);
    CHECK_FALSE(Address::parse(text).has_value());
  }
}
