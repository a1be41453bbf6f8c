// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tailgate {

/// The name of a network file system by its `statfs` number (linux/magic.h), else empty.
std::string_view network_file_system(long type);
/// Whether what is written there may wait for another machine, or for another process (FUSE), for as long as those like.
/// False where nothing is known.
bool is_remote(const std::string& path);
bool is_remote(int fd);

}  // namespace tailgate
