// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tailgate::testing {

/// How often the calling thread has asked operator new for memory, in any of its forms: the unit tests have one of
/// their own. What C libraries take by malloc() is not seen.
[[nodiscard]] std::uint64_t allocations();

}  // namespace tailgate::testing
