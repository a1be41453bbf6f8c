// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "settings/options.h"

namespace tailgate::settings {

/// Section::file() of an option whose file is read at start: one that cannot be read is a problem of the option, so that
/// the line which names it is said, and none is then named. Empty too when the option is not given.
std::string readable_file(const Section& section, std::string_view option);

}  // namespace tailgate::settings
