// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "json/event.h"

namespace tailgate::json {

/// Appends the event as compact JSON; what no filter touched is copied as it came.
void write(const Event& event, std::string& out);
void write(const Value& value, std::string& out);
/// Appends `text` (UTF-8) as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void write_string(std::string_view text, std::string& out);

}  // namespace tailgate::json
