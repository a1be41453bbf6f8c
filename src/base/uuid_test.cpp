// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.h"

#include <doctest/doctest.h>

using tailgate::Uuid;

TEST_CASE("a version 5 UUID is the one RFC 9562 gives for its example") {
  // RFC 9562, appendix A.4: the DNS name space and www.example.com.
  const auto dns = Uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  REQUIRE(dns.has_value());
  CHECK(Uuid::named(*dns, "www.example.com").text() == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST_CASE("a random UUID is version 4 and reads back from its text") {
  const Uuid uuid = Uuid::random();
  CHECK(uuid.text()[14] == '4');
  CHECK(Uuid::parse(uuid.text()) == uuid);
  CHECK_FALSE(Uuid::parse("my-own-id-7").has_value());
  CHECK_FALSE(uuid == Uuid::random());
}
