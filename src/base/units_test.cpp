// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <doctest/doctest.h>

using namespace tailgate;

TEST_CASE("sizes take Ki, Mi and Gi with or without B") {
  CHECK(parse_bytes("90KiB").value() == 90 * 1024);
  CHECK(parse_bytes("24Mi").value() == 24ULL << 20);
  CHECK(parse_bytes("1GiB").value() == 1ULL << 30);
  CHECK(parse_bytes("512").value() == 512);
  for (const char* bad : {"", "KiB", "1KB", "1.5MiB", "-1", "1 MiB", "99999999999Gi"}) {
    CHECK_FALSE_MESSAGE(parse_bytes(bad).has_value(), bad);
  }
}

TEST_CASE("durations take one or several numbers with a unit") {
  CHECK(parse_duration("200ms").value() == Millis(200));
  CHECK(parse_duration("1h30m").value() == Millis(5'400'000));
  CHECK(parse_duration("1.5s").value() == Millis(1500));
  CHECK(parse_duration("0").value() == Millis(0));
  for (const char* bad : {"", "5", "s", "5 s", "-5s", "5sec", "1e3s", "999999999999d"}) {
    CHECK_FALSE_MESSAGE(parse_duration(bad).has_value(), bad);
  }
}

TEST_CASE("a time is written as RFC 3339 with milliseconds, also before 1970") {
  CHECK(rfc3339(WallTime(Millis(1'795'394'847'919))) == "2026-11-23T00:47:27.919Z");
  CHECK(rfc3339(WallTime(Millis(-1))) == "1969-12-31T23:59:59.999Z");
}
