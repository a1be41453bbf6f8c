// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "state/store.h"

namespace tailgate::sources {

/// How many bytes a gzip file inflates to when it holds what the fingerprint tells of; nothing when it does not, cannot
/// be read or is damaged before that place. Looks at 32 MiB of it at most: of a larger file, what was inflated by then.
std::optional<std::uint64_t> inflated_size_of_match(const std::string& path,
                                                    const state::Fingerprint& print);

}  // namespace tailgate::sources
