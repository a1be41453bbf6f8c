// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace tailgate {
namespace {

constexpr std::size_t kTextSize = 36;

void stamp(Uuid& uuid, std::uint8_t version) {
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | (version << 4));
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_dash(std::size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

}  // namespace

Uuid Uuid::random() {
  Uuid uuid;
  // Without randomness two files could share ids; nothing sensible can go on.
  // Of the system itself: to set up OpenSSL's generator would take longer than all else at the start.
  if (::getentropy(uuid.bytes.data(), uuid.bytes.size()) != 0) {
    throw std::runtime_error("the system's random source does not answer");
  }
  stamp(uuid, 4);
  return uuid;
}

Uuid Uuid::named(const Uuid& name_space, std::string_view name) {
  // One context a thread: creating one costs more than the hash of a 30-byte name.
  struct Context {
    EVP_MD_CTX* md = EVP_MD_CTX_new();
    const EVP_MD* sha1 = EVP_sha1();
    Context() = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context() { EVP_MD_CTX_free(md); }
  };
  thread_local Context context;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestInit_ex(context.md, context.sha1, nullptr);
  EVP_DigestUpdate(context.md, name_space.bytes.data(), name_space.bytes.size());
  EVP_DigestUpdate(context.md, name.data(), name.size());
  EVP_DigestFinal_ex(context.md, digest.data(), nullptr);
  Uuid uuid;
  std::copy_n(digest.begin(), uuid.bytes.size(), uuid.bytes.begin());
  stamp(uuid, 5);
  return uuid;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextSize) return std::nullopt;
  Uuid uuid;
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < kTextSize; ++i) {
    if (is_dash(i)) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return std::nullopt;
    auto& byte = uuid.bytes[nibble / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
    ++nibble;
  }
  return uuid;
}

void Uuid::write(char* out) const {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::size_t nibble = 0;
  for (std::size_t i = 0; i < kTextSize; ++i) {
    if (is_dash(i)) {
      out[i] = '-';
      continue;
    }
    const std::uint8_t byte = bytes[nibble / 2];
    out[i] = kHex[nibble % 2 == 0 ? byte >> 4 : byte & 0x0F];
    ++nibble;
  }
}

std::string Uuid::text() const {
  std::string out(kTextSize, '\0');
  write(out.data());
  return out;
}

}  // namespace tailgate
