// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "json/arena.h"

namespace tailgate::json {

/// What a JSON string says, from the text between its quotes (already checked). Without escapes it is that text itself.
/// Lone surrogates become U+FFFD: UTF-8 cannot hold them.
std::string_view decode(std::string_view inner, Arena& arena);

/// True when `text` cannot stand between quotes as it is: a quote, a backslash, a control character, or not UTF-8.
bool needs_escape(std::string_view text);

/// `text` as it stands in JSON, with or without the quotes around it. Bytes that are not UTF-8 become U+FFFD.
std::string_view encode(std::string_view text, bool quotes, Arena& arena);

/// The length of the UTF-8 character at `at` (RFC 3629), or 0 when it is not one.
std::size_t utf8_length(std::string_view text, std::size_t at);

}  // namespace tailgate::json
