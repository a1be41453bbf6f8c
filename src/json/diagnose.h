// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace tailgate::json {

/// What is wrong with a text, and where.
struct Flaw {
  std::size_t offset =
      0;  // in bytes, of the first byte that cannot stand there; the size: it ends too early
  std::string_view what;  // a clause for people, without its place
};

/// A plain reading of RFC 8259 that finds the first flaw of a text, for the message about a line that was refused: the
/// fast parser tells that something is wrong, often not where. Objects and arrays nest at most `max_depth` deep.
std::optional<Flaw> find_flaw(std::string_view text, std::size_t max_depth);

}  // namespace tailgate::json
