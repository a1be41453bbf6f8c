// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace tailgate::json {

/// Where the text between a JSON string's quotes breaks RFC 8259 §7 (a wrong escape), or npos. Control characters and
/// UTF-8 were checked before.
std::size_t bad_escape(std::string_view inner);

}  // namespace tailgate::json
