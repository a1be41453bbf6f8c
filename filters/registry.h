// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "core/filter.h"

namespace tailgate::filters {

/// Every filter there is: the one table that a new filter adds a line to.
std::span<const FilterEntry> table();

}  // namespace tailgate::filters
