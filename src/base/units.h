// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace tailgate {

/// A size in bytes, as configured: `24MiB`, `90KiB`, `1Gi`, `512`.
using Bytes = std::uint64_t;

/// Reads a size: a whole number, then nothing, B, or Ki/Mi/Gi with or without B.
Result<Bytes> parse_bytes(std::string_view text);
/// Reads a duration: a number and ms, s, m, h or d, several in a row (`1h30m`); a bare 0 is fine.
Result<Millis> parse_duration(std::string_view text);

/// For people: `24.0 MiB`.
std::string human_bytes(Bytes size);
/// For people: `1 event`, `2 events`.
std::string counted(std::uint64_t count, std::string_view one, std::string_view more);
/// For people: `1m 30s`, `250ms`.
std::string human_duration(Millis duration);

}  // namespace tailgate
