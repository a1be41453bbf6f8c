// SPDX-License-Identifier: Apache-2.0
#include "core/token.h"

#include <doctest/doctest.h>

namespace tailgate::token {
namespace {

// {"alg":"none"} . {"client_id":"app?>"} : the claims need both letters in which base64url differs.
constexpr std::string_view kToken = "eyJhbGciOiJub25lIn0.eyJjbGllbnRfaWQiOiJhcHA_PiJ9.c2ln";

TEST_CASE("base64 takes both alphabets, with and without padding") {
  json::Arena arena;
  CHECK(base64("Zm9vYmE=", arena) == "fooba");
  CHECK(base64("Zm9vYmE", arena) == "fooba");
  CHECK(base64("Zm9vYg==", arena) == "foob");
  CHECK(base64("-_-_", arena) == base64("+/+/", arena));
  CHECK(base64("", arena).empty());
}

TEST_CASE("what is not base64 decodes to nothing") {
  json::Arena arena;
  CHECK(base64("Zm9vY", arena).empty());
  CHECK(base64("Zm 9", arena).empty());
  CHECK(base64("Zg=v", arena).empty());
}

TEST_CASE("the claims of a JWT are read with or without Bearer, in any case") {
  json::Arena arena;
  CHECK(jwt_claims(kToken, arena) == R"({"client_id":"app?>"})");
  for (const std::string_view scheme : {"Bearer ", "bearer ", "BEARER   ", " DPoP "}) {
    CHECK(jwt_claims(std::string(scheme) + std::string(kToken), arena) ==
          R"({"client_id":"app?>"})");
  }
}

TEST_CASE("a value that is no JWT has no claims") {
  json::Arena arena;
  for (const std::string_view text :
       {"", "-", "Bearer ", "Bearer", "Bearer abc", "a.b", "a.b.c.d.e", "a..c", ".b.c", "eyJ.e}J.x",
        "Basic YTpi", "Bearer a b.c.d"}) {
    CAPTURE(text);
    CHECK(jwt_claims(text, arena).empty());
  }
}

TEST_CASE("the user of Basic stands before the first colon") {
  json::Arena arena;
  CHECK(basic_user("Basic YWxpY2U6cDphc3M=", arena) == "alice");
  CHECK(basic_user("basic YWxpY2U6", arena) == "alice");
  CHECK(basic_user("Basic OnNlY3JldA==", arena).empty());  // no user
  CHECK(basic_user("Basic YWxpY2U=", arena).empty());      // no colon
  CHECK(basic_user("YWxpY2U6cGFzcw==", arena).empty());    // no scheme
  CHECK(basic_user("Basic //46eA==", arena).empty());      // not UTF-8
  CHECK(basic_user("Basic YQpiOng=", arena).empty());      // a newline in it
}

TEST_CASE("the consumer key of OAuth 1 is percent-decoded wherever it stands") {
  json::Arena arena;
  CHECK(oauth1_consumer_key(
            R"(OAuth realm="a, b=c", oauth_consumer_key="0685bd91%26x", oauth_nonce="1")", arena) ==
        "0685bd91&x");
  CHECK(oauth1_consumer_key("oauth oauth_nonce=1,oauth_consumer_key=abc", arena) == "abc");
  CHECK(oauth1_consumer_key(R"(OAuth oauth_token="t")", arena).empty());
  CHECK(oauth1_consumer_key(R"(OAuth oauth_consumer_key="a%0")", arena).empty());
  CHECK(oauth1_consumer_key(R"(OAuth oauth_consumer_key="a)", arena) == "a");
  CHECK(oauth1_consumer_key("Bearer x", arena).empty());
}

TEST_CASE("credentials are told from client names") {
  CHECK(is_credential("Bearer x"));
  CHECK(is_credential("basic YTpi"));
  CHECK(is_credential(kToken));
  CHECK_FALSE(is_credential("mobile-app/ios"));
  CHECK_FALSE(is_credential("Bearer"));
  CHECK_FALSE(is_credential("b7f8ed6c64f54a0b9d0d0d6a8f3a3b11"));
  CHECK_FALSE(is_credential("-"));
}

}  // namespace
}  // namespace tailgate::token
