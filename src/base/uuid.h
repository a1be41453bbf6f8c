// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tailgate {

/// A UUID by RFC 9562: 16 bytes in network order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  /// Version 4 from the system's random source.
  static Uuid random();
  /// Version 5: SHA-1 over the name space's bytes and the name. Deterministic.
  static Uuid named(const Uuid& name_space, std::string_view name);
  /// From the 36-character form; nothing when it is not one.
  static std::optional<Uuid> parse(std::string_view text);

  /// Writes the 36 lower-case characters (no terminator) to `out`.
  void write(char* out) const;
  [[nodiscard]] std::string text() const;

  bool operator==(const Uuid&) const = default;
};

}  // namespace tailgate
