// SPDX-License-Identifier: Apache-2.0
#include "core/formats.h"

#include <doctest/doctest.h>

using namespace tailgate;

TEST_CASE("a date-time is what RFC 3339 says") {
  for (const char* text :
       {"2026-11-23T00:47:27.919Z", "2026-11-23T00:47:27Z", "1990-12-31T23:59:60Z",
        "2024-02-29t12:00:00+01:30", "2026-11-23 00:47:27-00:00"}) {
    CHECK_MESSAGE(is_date_time(text), text);
  }
  for (const char* text :
       {"", "-", "2026-11-23", "2026-11-23T00:47:27", "2026-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T00:47:27.Z",
        "2026-11-23T00:47:27+0100", "2026-11-23T00:47:27Zx", "20261123T004727Z"}) {
    CHECK_MESSAGE(!is_date_time(text), text);
  }
}

TEST_CASE("formats that are known are checked, others are not") {
  CHECK(has_format("/mediawiki/api/request/1.0.0", "uri-reference"));
  CHECK_FALSE(has_format("a b", "uri-reference"));
  CHECK_FALSE(has_format("a%2", "uri-reference"));
  CHECK(has_format("https://x.example/a?b#c", "uri"));
  CHECK_FALSE(has_format("/relative", "uri"));
  CHECK(has_format("127.0.0.1", "ipv4"));
  CHECK_FALSE(has_format("256.0.0.1", "ipv4"));
  CHECK(has_format("::1", "ipv6"));
  CHECK_FALSE(has_format("127.0.0.1", "ipv6"));
  CHECK(has_format("a@b.example", "email"));
  CHECK_FALSE(has_format("@b", "email"));
  CHECK(has_format("api.example-1.test", "hostname"));
  CHECK_FALSE(has_format("api..test", "hostname"));
  CHECK_FALSE(has_format("api.", "hostname"));
  CHECK(has_format("9250a1f8-4616-4edd-bfb4-8b133499b7c7", "uuid"));
  CHECK(has_format("anything", "colour"));
}
