// SPDX-License-Identifier: Apache-2.0
#include "base/credentials.h"

#include <doctest/doctest.h>

#include "base/base64.h"

namespace tailgate {
namespace {

std::string secret(std::string_view text) {
  return mask_credentials(text, Mask::secret);
}
std::string all(std::string_view text) {
  return mask_credentials(text, Mask::all);
}

TEST_CASE("a JSON Web Token keeps its claims and loses its signature") {
  CHECK(secret(R"({"a":"Bearer eyJhbGc.eyJhenAi.c2lnbmF0dXJl-_x","b":1})") ==
        R"({"a":"Bearer eyJhbGc.eyJhenAi.***","b":1})");
  CHECK(secret(R"({"a":"eyJhbGc.eyJhenAi.c2lnbmF0dXJl"})") == R"({"a":"eyJhbGc.eyJhenAi.***"})");
  CHECK(all(R"({"a":"Bearer eyJhbGc.eyJhenAi.c2ln"})") == R"({"a":"Bearer ***"})");
}

TEST_CASE("an opaque token goes whole, whatever the scheme's case") {
  CHECK(secret("bearer 2YotnFZFEjr1zCsicMWpAA") == "bearer ***");
  CHECK(secret("BEARER 2YotnFZFEjr1zCsicMWpAA;") == "BEARER ***;");
}

TEST_CASE("Basic keeps its user") {
  CHECK(secret("\"Basic " + base64("alice:secret") + "\"") ==
        "\"Basic " + base64("alice:***") + "\"");
  CHECK(all("\"Basic " + base64("alice:secret") + "\"") == "\"Basic ***\"");
  CHECK(secret(R"("Basic YWxp\/nonsense")") == R"("Basic ***")");
}

TEST_CASE("OAuth 1.0 keeps its consumer, also inside a JSON string") {
  CHECK(
      secret(
          R"({"a":"OAuth oauth_consumer_key=\"k1\", oauth_token=\"tok123\", oauth_signature=\"a%2Bb%3D\""})") ==
      R"({"a":"OAuth oauth_consumer_key=\"k1\", oauth_token=\"***\", oauth_signature=\"***\""})");
}

TEST_CASE("tokens in URLs go") {
  CHECK(secret("/api?access_token=abcdef&x=1") == "/api?access_token=***&x=1");
  CHECK(secret("login token=abcdef password=x id_token=y") ==
        "login token=*** password=*** id_token=***");
  CHECK(secret("a broken token, secret for all") == "a broken token, secret for all");
}

TEST_CASE("other schemes, keys and cookies go too") {
  CHECK(secret(R"({"authorization":"ApiKey s3cretvalue123"})") ==
        R"({"authorization":"ApiKey ***"})");
  CHECK(secret(R"({"authorization":"Token s3cretvalue123"})") ==
        R"({"authorization":"Token ***"})");
  CHECK(secret(R"({"authorization":"Digest username=\"u\", response=\"abc\"","b":1})") ==
        R"({"authorization":"Digest ***","b":1})");
  CHECK(secret(R"({"http.request_headers.cookie":"sess=abc; \"x\"","b":1})") ==
        R"({"http.request_headers.cookie":"***","b":1})");
  CHECK(secret(R"({"Authorization":"s3cret","x-api-key":"k","cookie":""})") ==
        R"({"Authorization":"***","x-api-key":"***","cookie":""})");
  CHECK(secret("the token expired") == "the token expired");
}

TEST_CASE("in a torn line members named as secrets go, too, where nothing is to be left") {
  CHECK(all(R"({"access_token":"hunter3hunter3","n":)") == R"({"access_token":"***","n":)");
  CHECK(all(R"({\"password\": \"a\",\"n\":1)") == R"({\"password\": \"***\",\"n\":1)");
  CHECK(all("GET / Cookie: sid=hunter6; a=b") == "GET / Cookie: ***");
  CHECK(secret(R"({"token":"GET"})") == R"({"token":"GET"})");
}

TEST_CASE("what is no credential stays as it is") {
  for (const std::string_view text :
       {"", "a bearer of news", "heyJude is a song", "GET /basic HTTP/1.1", "client_id=abc",
        R"({"n":1.0,"t":"\u00e9\\"})", "Bearer ", "Basic"}) {
    CHECK(secret(text) == text);
  }
}

}  // namespace
}  // namespace tailgate
