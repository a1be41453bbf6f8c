// SPDX-License-Identifier: Apache-2.0
#include "sources/compressed.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/gunzip.h"
#include "base/handle.h"
#include "sources/fingerprint.h"
#include "sources/resume.h"

namespace tailgate::sources {
namespace {

constexpr std::size_t kStep = std::size_t{64} << 10;
/// Of the compressed bytes: the intake waits for it, half a second at most.
constexpr std::uint64_t kMost = std::uint64_t{32} << 20;

// The part of `bytes`, which begin at `at` of the whole, that lies in [begin, end).
std::string_view part(std::string_view bytes, std::uint64_t at, std::uint64_t begin,
                      std::uint64_t end) {
  const std::uint64_t from = std::max(begin, at);
  const std::uint64_t to = std::min(end, at + bytes.size());
  if (from >= to) return {};
  return bytes.substr(static_cast<std::size_t>(from - at), static_cast<std::size_t>(to - from));
}

}  // namespace

std::optional<std::uint64_t> inflated_size_of_match(const std::string& path,
                                                    const state::Fingerprint& print) {
  const Handle handle = open_to_read(path);
  if (!handle.valid() || !is_gzip(bytes_at(handle.fd(), 0, 2))) return std::nullopt;
  Gunzip gunzip;
  RawBytes inflated;
  std::string head;
  std::string tail;
  std::uint64_t size = 0;
  for (std::uint64_t at = 0; at < kMost; at += kStep) {
    const std::string input = bytes_at(handle.fd(), at, kStep);
    inflated.clear();
    if (input.empty() || !gunzip.feed(input, inflated)) break;
    const std::string_view bytes(inflated.data(), inflated.size());
    head.append(part(bytes, size, 0, print.head_len));
    tail.append(part(bytes, size, print.offset - print.tail_len, print.offset));
    size += bytes.size();
    if (size >= print.head_len && digest(head) != print.head_hash) return std::nullopt;
  }
  if (size < print.offset || digest(head) != print.head_hash || digest(tail) != print.tail_hash)
    return std::nullopt;
  return size;
}

}  // namespace tailgate::sources
