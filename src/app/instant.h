// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace tailgate::app {

using Instant = std::chrono::sys_time<std::chrono::nanoseconds>;

/// The time that a text names, from its begin to before its end: 2026-11-23 is a whole day, 10:15:00Z a second.
struct TimeSpan {
  Instant begin;
  Instant end;
};

/// RFC 3339, also a date alone, also without seconds or their fraction; without an offset it is UTC. Nothing for what is
/// no time.
std::optional<TimeSpan> parse_time(std::string_view text);

}  // namespace tailgate::app
