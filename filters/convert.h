// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/filter.h"
#include "json/event.h"

namespace tailgate::filters {

enum class Converted {
  unneeded,  // it has this type already, or is null
  done,
  failed,  // it stays as it is
};

/// Gives a scalar this type. A string becomes a number by RFC 8259's exact grammar (no spaces, no leading zeros, no 0x;
/// an integer without fraction and exponent), a boolean from true and false; numbers and booleans become strings as they
/// are written. Allocates in the arena at most.
Converted convert(json::Value& value, KeyPlan::Convert to, json::Arena& arena);

}  // namespace tailgate::filters
