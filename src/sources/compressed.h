// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "state/store.h"

namespace tailgate::sources {

/// How many bytes a gzip file inflates to when it holds what the fingerprint tells of; nothing when it does not, cannot
/// be read or is damaged before that place. Reads the whole file.
std::optional<std::uint64_t> inflated_size_of_match(const std::string& path,
                                                    const state::Fingerprint& print);

}  // namespace tailgate::sources
