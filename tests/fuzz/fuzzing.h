// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "json/event.h"
#include "json/parse.h"
#include "json/write.h"

namespace tailgate::fuzz {

/// What always holds; when it does not, the fuzzer stops here and keeps the input.
inline void must(bool holds, std::string_view what, std::string_view about = {}) {
  if (holds) return;
  std::fprintf(stderr, "ERROR: does not hold: %.*s\n%.*s\n", static_cast<int>(what.size()),
               what.data(), static_cast<int>(about.size()), about.data());
  std::abort();
}

/// A text with the bytes behind it that the parser may read, and not one more.
class Padded {
 public:
  explicit Padded(std::string_view text) : bytes_(text.begin(), text.end()), size_(text.size()) {
    // As it is in a buffer that held other lines before: what it seems to go on with is none of it.
    constexpr std::string_view kStale = ":null,\"x\":true}0:1,\"client_id\":\"\\\"-\"}";
    for (std::size_t i = 0; i < json::kPadding; ++i)
      bytes_.push_back(kStale[(text.size() + i) % kStale.size()]);
  }
  [[nodiscard]] std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::vector<char> bytes_;
  std::size_t size_;
};

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Of its own, in memory where there is such a place.
struct Folder {
  Folder() {
    const char* const memory = "/dev/shm";
    std::string name = (std::filesystem::exists(memory) ? memory : "/tmp");
    name += "/tailgate-fuzz-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

/// A file's bytes after damage, each five bytes of `damage` being one: where (3), of what kind, and a byte for it.
inline std::string mangled(std::string bytes, std::string_view damage) {
  for (; damage.size() >= 5 && !bytes.empty(); damage.remove_prefix(5)) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(damage[at]); };
    const std::size_t at = (byte(0) | byte(1) << 8U | byte(2) << 16U) % bytes.size();
    switch (byte(3) % 4) {
      case 0:
        bytes[at] = damage[4];
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1U << (byte(4) % 8U)));
        break;
      case 2:
        bytes.resize(at);
        break;
      default:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    std::min<std::size_t>(byte(4), bytes.size() - at), '\0');
    }
  }
  return bytes;
}

inline std::string written(const json::Event& event) {
  std::string out;
  json::write(event, out);
  return out;
}

}  // namespace tailgate::fuzz
