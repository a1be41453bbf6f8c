// SPDX-License-Identifier: Apache-2.0
#include "base/handle.h"

#include <fcntl.h>

#include <cerrno>

namespace tailgate {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool sync_directory(const std::string& path) {
  const Handle directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.valid() && (::fsync(directory.fd()) == 0 || errno == EINVAL || errno == ENOTSUP);
}

}  // namespace tailgate
