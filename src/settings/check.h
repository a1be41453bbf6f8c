// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings/options.h"

namespace tailgate::settings {

/// What is wrong with `value` (given: neither missing nor null) as a value of `option`; where and
/// what. Secret values are not repeated in it.
struct Wrong {
  Node where;
  std::string what;
};
std::vector<Wrong> check_value(const Node& value, const Option& option);

/// `a|b|c` in parts.
std::vector<std::string_view> split_choices(std::string_view choices);
std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace tailgate::settings
