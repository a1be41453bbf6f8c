// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace tailgate {

std::string rfc3339(WallTime time) {
  const auto since_epoch = std::chrono::floor<Millis>(time.time_since_epoch());
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  const int millis = static_cast<int>((since_epoch - std::chrono::seconds(seconds)).count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 80> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                 parts.tm_hour, parts.tm_min, parts.tm_sec, millis);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace tailgate
