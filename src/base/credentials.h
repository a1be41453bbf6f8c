// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tailgate {

/// What is left of a credential. `secret`: its secret part goes, but who it names stays, so that the text still yields a
/// client id: a JSON Web Token loses its signature (RFC 7515 §3.1), Basic its password (RFC 7617), OAuth 1.0 its signature
/// and token (RFC 5849 §3.5.1). `all`: nothing but the scheme is left.
enum class Mask { secret, all };

/// `text` with every credential of a known shape masked as ***: Bearer and Basic values, JSON Web Tokens, OAuth 1.0
/// parameters, access_token and client_secret in URLs. Works on JSON text too, whose strings stay valid.
std::string mask_credentials(std::string_view text, Mask how);

}  // namespace tailgate
