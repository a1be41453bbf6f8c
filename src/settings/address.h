// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tailgate::settings {

/// A host and a TCP port, as in `127.0.0.1:9600`, `localhost:9600`, `[::1]:9600`.
struct Address {
  std::string host;  // without the brackets of IPv6
  std::uint16_t port = 0;

  /// The error says what is wrong with the text, which it quotes.
  static Result<Address> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

}  // namespace tailgate::settings
