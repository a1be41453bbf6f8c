// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tailgate::sinks {

/// An http or https URL taken apart.
struct Url {
  std::string full;  // normalised, as it is requested
  std::string
      shown;  // scheme, host, port and path, that one as far as it is no secret: for logs and errors
  std::string scheme;
  std::string host;
  std::string path;
  std::string query;

  /// On this machine: credentials are not seen by others.
  [[nodiscard]] bool is_loopback() const;
  /// Whether the query names this parameter.
  [[nodiscard]] bool has_parameter(std::string_view name) const;
};

/// The error says what is wrong, and what to write instead. Credentials in the URL are refused: it
/// stands in logs. `secret_path`: the path is not shown.
Result<Url> parse_url(std::string_view text, bool secret_path = false);

}  // namespace tailgate::sinks
