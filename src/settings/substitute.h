// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "settings/reader.h"

namespace tailgate::settings {

struct Substituted {
  std::string text;
  bool changed = false;
  bool secret = false;  // some of it came from a file or the environment
};

/// Replaces `${ENV}`, `${ENV:-default}` and `${file:PATH}` (relative to `folder`; a newline at its
/// end is left out);
/// `$${` becomes `${`. What is put in is not looked at again.
Result<Substituted> substitute(std::string_view text, const std::string& folder,
                               const Environment& environment);

}  // namespace tailgate::settings
