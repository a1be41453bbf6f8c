// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace tailgate::app {

/// For values that mean nothing when empty: `--client "$UNSET"` is a mistake, not "all of them".
inline CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) { return text.empty() ? "must not be empty" : ""; }, "");
}

}  // namespace tailgate::app
