// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <openssl/evp.h>

#include <stdexcept>

namespace tailgate {
namespace {

// One context a thread: creating one costs more than hashing a client's name.
struct Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  const EVP_MD* sha256 = EVP_sha256();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(md); }
};

}  // namespace

Sha256 sha256(std::string_view head, std::string_view tail) {
  thread_local Context context;
  Sha256 digest{};
  const bool worked = EVP_DigestInit_ex(context.md, context.sha256, nullptr) == 1 &&
                      EVP_DigestUpdate(context.md, head.data(), head.size()) == 1 &&
                      EVP_DigestUpdate(context.md, tail.data(), tail.size()) == 1 &&
                      EVP_DigestFinal_ex(context.md, digest.data(), nullptr) == 1;
  // Going on would write the same constant for every client.
  if (!worked) throw std::runtime_error("OpenSSL does not offer SHA-256");
  return digest;
}

void write_hex(const Sha256& hash, char* out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const std::uint8_t byte : hash) {
    *out++ = kHex[byte >> 4];
    *out++ = kHex[byte & 0x0F];
  }
}

}  // namespace tailgate
