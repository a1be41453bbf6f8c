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

/// For counts: digits, nothing else.
inline CLI::Validator whole_number() {
  return CLI::Validator(
      [](const std::string& text) {
        const bool digits = !text.empty() && text.size() < 19 &&
                            text.find_first_not_of("0123456789") == std::string::npos;
        return digits ? "" : "must be a whole number, 0 or more";
      },
      "");
}

}  // namespace tailgate::app
