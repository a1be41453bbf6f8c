// SPDX-License-Identifier: Apache-2.0
#include "app/instant.h"

#include <doctest/doctest.h>

using tailgate::app::Instant;
using tailgate::app::parse_time;
using namespace std::chrono;

TEST_CASE("a time is RFC 3339, and spans what it leaves open") {
  const Instant noon = sys_days(2026y / November / 23) + 12h;
  CHECK(parse_time("2026-11-23T12:00:00Z")->begin == noon);
  CHECK(parse_time("2026-11-23T12:00:00Z")->end == noon + 1s);
  CHECK(parse_time("2026-11-23t14:30:00+02:30")->begin == noon);
  CHECK(parse_time("2026-11-23 08:00-04:00")->begin == noon);
  CHECK(parse_time("2026-11-23T12:00")->end == noon + 1min);
  CHECK(parse_time("2026-11-23T12:00:00.25Z")->begin == noon + 250ms);
  CHECK(parse_time("2026-11-23T12:00:00.25Z")->end == noon + 260ms);
  CHECK(parse_time("2026-11-23T12:00:00.1234567891Z")->begin == noon + 123456789ns);
  CHECK(parse_time("2026-11-23")->begin == noon - 12h);
  CHECK(parse_time("2026-11-23")->end == noon + 12h);
}

TEST_CASE("what is no time is none") {
  for (const char* text :
       {"", "-", "x", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-11-23T",
        "2026-11-23T25:00:00Z", "2026-11-23T12:00:00.Z", "2026-11-23T12:00:00Zx",
        "2026-11-23T12:00:00+1", "1763856000", "9999-01-01", "2026-11-23T12:00:00+01:00:00"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time(text).has_value());
  }
}
