// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "state/spool_segment.h"

namespace tailgate::state {

/// What a segment's head begins with; the last character is the version of the format.
inline constexpr std::string_view kHeadMagic = "tailgate spool 1";
/// The head stands there twice, each time with a checksum at its end.
inline constexpr std::size_t kHeadSlotBytes = SpoolSegment::kHeadBytes / 2;

std::string head_slot(const SpoolSegment::Head& head);
/// A slot that is as it was written, of whatever version.
bool sound_slot(std::string_view slot);
/// Of a sound one of this version.
SpoolSegment::Head read_slot(std::string_view slot);

}  // namespace tailgate::state
