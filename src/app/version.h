// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tailgate::app {

inline constexpr const char* kVersion = TAILGATE_VERSION;

}  // namespace tailgate::app
