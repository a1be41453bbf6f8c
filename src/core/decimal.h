// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string_view>

namespace tailgate {

/// Compares two JSON numbers (RFC 8259 §6, already checked) by their exact values, whatever their
/// size: 20-digit identifiers that differ in the last digit differ, 1e3 equals 1000.0. Allocates
/// nothing.
std::strong_ordering compare_numbers(std::string_view left, std::string_view right);

/// True when the value is whole: 3, -2.0, 1e3. What JSON Schema calls an integer (draft-06 and
/// later).
bool is_whole(std::string_view number);

}  // namespace tailgate
