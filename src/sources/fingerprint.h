// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "state/store.h"

namespace tailgate::sources {

inline constexpr std::size_t kHeadBytes = 1024;
inline constexpr std::size_t kTailBytes = 256;

/// The first 16 bytes of SHA-256: enough to tell files apart.
std::string digest(std::string_view bytes);

/// Up to `size` bytes at `offset`; fewer at the end of the file or on an error.
std::string bytes_at(int fd, std::uint64_t offset, std::size_t size);

/// Whether the file holds what the fingerprint tells of.
bool matches(int fd, const state::Fingerprint& print);

/// The gzip magic number (RFC 1952).
bool is_gzip(std::string_view head);

}  // namespace tailgate::sources
