// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "json/arena.h"

namespace tailgate::token {

// What the text of an Authorization header (or a bare token) says about its client. Nothing here checks a signature.
// All results are empty when the text is not what it should be; what is decoded lies in the arena. Results that name a
// client are valid UTF-8 without control characters.

/// The bytes behind base64 (RFC 4648 §4) or base64url (§5), with or without padding.
std::string_view base64(std::string_view text, json::Arena& arena);
/// The claims of a JSON Web Token in its compact form (RFC 7519, RFC 7515 §7.1), as JSON text that was not parsed yet.
/// `Bearer ` or `DPoP ` before it are skipped, in any case.
std::string_view jwt_claims(std::string_view text, json::Arena& arena);
/// The user of `Basic …` (RFC 7617).
std::string_view basic_user(std::string_view text, json::Arena& arena);
/// oauth_consumer_key of `OAuth …` (RFC 5849 §3.5.1).
std::string_view oauth1_consumer_key(std::string_view text, json::Arena& arena);
/// True for what must never be taken for a client's name: an authorization scheme with something behind it, or a JWT.
bool is_credential(std::string_view text);

}  // namespace tailgate::token
