// SPDX-License-Identifier: Apache-2.0
// The readers of credentials: whatever a client sent, a name is printable UTF-8, and what encodes reads back.
#include "base/base64.h"
#include "core/token.h"
#include "fuzzing.h"
#include "json/text.h"

namespace tailgate::fuzz {
namespace {

void is_name(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t size = json::utf8_length(name, at);
    const auto c = static_cast<unsigned char>(name[at]);
    must(size != 0 && c >= 0x20 && c != 0x7F, "a name is UTF-8 without control characters", name);
    at += size;
  }
}

void read(std::string_view text) {
  json::Arena arena;
  must(token::base64(text, arena).size() <= text.size(), "decoded text is no longer", text);
  (void)token::jwt_claims(text, arena);
  is_name(token::basic_user(text, arena));
  is_name(token::oauth1_consumer_key(text, arena));
  (void)token::is_credential(text);
}

void encode(std::string_view bytes) {
  json::Arena arena;
  const std::string text = tailgate::base64(bytes);
  must(token::base64(text, arena) == bytes, "base64 reads back", text);
  must(from_base64(text) == std::string(bytes), "base64 with padding reads back", text);
  const std::string claims = "Bearer e30." + text + ".c2ln";
  must(token::jwt_claims(claims, arena) == bytes, "claims are found", claims);
  must(token::is_credential(claims), "a bearer token is a credential", claims);
  const std::string basic = "Basic " + text;
  is_name(token::basic_user(basic, arena));
  must(bytes.empty() || token::is_credential(basic), "so is basic", basic);
}

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = tailgate::fuzz::view(data, size);
  tailgate::fuzz::read(text);
  tailgate::fuzz::encode(text);
  const std::string parameters = "OAuth oauth_consumer_key=\"" + std::string(text);
  tailgate::fuzz::read(parameters);
  return 0;
}
