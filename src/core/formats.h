// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tailgate {

/// RFC 3339 `date-time`, `full-date`, `full-time`; days per month and leap years are checked, a 60th second is allowed.
bool is_date_time(std::string_view text);
bool is_date(std::string_view text);
bool is_time(std::string_view text);

/// Whether `text` has this format of JSON Schema draft-07 (section 7.3). date-time, date, time, ipv4 and ipv6 are
/// checked exactly; uri, uri-reference, email, hostname and uuid by their outline alone; any other format is not checked.
bool has_format(std::string_view text, std::string_view format);

}  // namespace tailgate
