// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "core/source.h"

namespace tailgate::sources {

/// Every source type there is: the one table that a new source adds a line to.
std::span<const SourceEntry> table();

}  // namespace tailgate::sources
