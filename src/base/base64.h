// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tailgate {

/// RFC 4648 §4, with padding.
std::string base64(std::string_view bytes);
/// The bytes again; nothing when `text` is not base64 with padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace tailgate
