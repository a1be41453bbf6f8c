// SPDX-License-Identifier: Apache-2.0
#include "sources/fingerprint.h"

#include <unistd.h>

#include <cerrno>

#include "base/hash.h"

namespace tailgate::sources {

std::string digest(std::string_view bytes) {
  const Sha256 hash = sha256(bytes);
  return {reinterpret_cast<const char*>(hash.data()), 16};
}

std::string bytes_at(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got =
        pread(fd, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

bool matches(int fd, const state::Fingerprint& print) {
  if (print.head_len > kHeadBytes || print.tail_len > kTailBytes) return false;
  const std::string head = bytes_at(fd, 0, static_cast<std::size_t>(print.head_len));
  if (head.size() != print.head_len) return false;
  const std::string tail =
      bytes_at(fd, print.offset - print.tail_len, static_cast<std::size_t>(print.tail_len));
  if (tail.size() != print.tail_len) return false;
  return print.offset == 0 || (digest(head) == print.head_hash && digest(tail) == print.tail_hash);
}

bool is_gzip(std::string_view head) {
  return head.starts_with("\x1f\x8b");
}

}  // namespace tailgate::sources
