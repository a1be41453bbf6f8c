// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "filters/filter_fixture.h"

namespace tailgate::filters {

extern const FilterEntry kAddClientIdFilter;

namespace {

// {"alg":"none"} . {"sub":"u1","client_id":"","azp":"app-7","aud":["key-1","key-2"]} . sig
const std::string kToken =
    "eyJhbGciOiJub25lIn0."
    "eyJzdWIiOiJ1MSIsImNsaWVudF9pZCI6IiIsImF6cCI6ImFwcC03IiwiYXVkIjpbImtleS0xIiwia2V5LTIiXX0.c2ln";

std::string line(const std::string& authorization, const std::string& status = "200") {
  return R"({"http":{"status_code":)" + status + R"(,"auth":")" + authorization + R"("}})";
}

TEST_CASE("the first source that yields something names the client") {
  FilterFixture add(kAddClientIdFilter, "from: [client_id, user, {jwt: auth}]");
  CHECK(add(R"({"client_id":"a","user":"b"})") == R"({"client_id":"a","user":"b"})");
  CHECK(add(R"({"user":"b"})") == R"({"user":"b","client_id":"b"})");
  CHECK(add(R"({"client_id":null,"user":"b"})") == R"({"client_id":"b","user":"b"})");
  CHECK(add(R"({"client_id":"-","user":42})") == R"({"client_id":"42","user":42})");
  CHECK(add(R"({"client_id":"","user":["b","c"]})") == R"({"client_id":"b","user":["b","c"]})");
  CHECK(add(R"({"user":"caf\u00e9"})") == R"({"user":"caf\u00e9","client_id":"caf\u00e9"})");
}

TEST_CASE("a name that is there already is not touched") {
  FilterFixture add(kAddClientIdFilter, "from: client_id");
  CHECK(add(R"({ "client_id" : "a\/b" , "n":1.0})") == R"({"client_id":"a\/b","n":1.0})");
}

TEST_CASE("a name stays though a credential is looked for at the same place") {
  for (const char* other : {"{basic: client_id}", "{jwt: client_id}"}) {
    FilterFixture add(kAddClientIdFilter, std::string("from: [client_id, ") + other + "]");
    CHECK(add(R"({"client_id":"me","a":1})") == R"({"a":1,"client_id":"me"})");
  }
}

TEST_CASE("a token names the client by its claims and leaves the event") {
  FilterFixture add(kAddClientIdFilter, "from: [{jwt: http.auth}]");
  CHECK(add(line("Bearer " + kToken)) == R"({"http":{"status_code":200},"client_id":"app-7"})");
  CHECK(add(line("bearer " + kToken)) == R"({"http":{"status_code":200},"client_id":"app-7"})");
  CHECK(add(line(kToken)) == R"({"http":{"status_code":200},"client_id":"app-7"})");
  FilterFixture aud(kAddClientIdFilter, "from: [{jwt: http.auth, claims: [nothing, aud]}]");
  CHECK(aud(line("Bearer " + kToken)) == R"({"http":{"status_code":200},"client_id":"key-1"})");
  CHECK(aud(line("Bearer " + kToken)) == R"({"http":{"status_code":200},"client_id":"key-1"})");
}

TEST_CASE("two sources with the same token ask it for their own claims") {
  FilterFixture add(kAddClientIdFilter,
                    "from: [{jwt: http.auth, claims: [none]}, {jwt: http.auth, claims: [sub]}]");
  for (int i = 0; i < 3; ++i) {
    CHECK(add(line(kToken)) == R"({"http":{"status_code":200},"client_id":"u1"})");
  }
}

TEST_CASE(
    "a credential is believed only where the gateway accepted the request, and always removed") {
  FilterFixture add(kAddClientIdFilter, "from: [{jwt: http.auth}]");
  for (const char* status : {"0", "401", "403"}) {
    CHECK(add(line(kToken, status)) == R"({"http":{"status_code":)" + std::string(status) + "}}");
  }
  CHECK(add.counter("untrusted") == 3);
  CHECK(add(line(kToken, "500")) == R"({"http":{"status_code":500},"client_id":"app-7"})");
  FilterFixture other(kAddClientIdFilter, R"({from: [{jwt: auth}], trust_when: 'flags == "-"'})");
  CHECK(other(R"({"flags":"-","auth":")" + kToken + "\"}") ==
        R"({"flags":"-","client_id":"app-7"})");
  CHECK(other(R"({"flags":"UF","auth":")" + kToken + "\"}") == R"({"flags":"UF"})");
}

TEST_CASE("a plain field is believed whatever the status: the gateway wrote it") {
  FilterFixture add(kAddClientIdFilter, "{from: [jwt_payload], to: client}");
  CHECK(add(R"({"http":{"status_code":403},"jwt_payload":{"iss":"x","cid":"c1"}})") ==
        R"({"http":{"status_code":403},"jwt_payload":{"iss":"x","cid":"c1"},"client":"c1"})");
}

TEST_CASE("an object of claims names the client, also as JSON text") {
  FilterFixture add(kAddClientIdFilter, "from: [{field: p, claims: [sub]}]");
  CHECK(add(R"({"p":{"sub":"a"}})") == R"({"p":{"sub":"a"},"client_id":"a"})");
  CHECK(add(R"({"p":"{\"sub\":\"a\"}"})") == R"({"p":"{\"sub\":\"a\"}","client_id":"a"})");
  CHECK(add(R"({"p":{"sub":7}})") == R"({"p":{"sub":7},"client_id":"7"})");
  CHECK(add(R"({"p":{"sub":null}})") == R"({"p":{"sub":null}})");
  CHECK(add(R"({"p":"{\"sub\":"})") == R"({"p":"{\"sub\":"})");
}

TEST_CASE("every credential leaves, whichever source yielded") {
  FilterFixture add(kAddClientIdFilter, "from: [user, {jwt: a}, {basic: b}, {oauth1: c}]");
  CHECK(add(R"({"user":"u","a":"x","b":"Basic YTpi","c":"OAuth z","d":1})") ==
        R"({"user":"u","d":1,"client_id":"u"})");
  CHECK(add(R"({"b":"Basic YTpi"})") == R"({"client_id":"a"})");
  CHECK(add(R"({"c":"OAuth oauth_consumer_key=\"k%2F1\""})") == R"({"client_id":"k/1"})");
  FilterFixture keep(kAddClientIdFilter, "{from: [{basic: b}], keep_credentials: true}");
  CHECK(keep(R"({"b":"Basic YTpi"})") == R"({"b":"Basic YTpi","client_id":"a"})");
}

TEST_CASE("a credential in a plain field is neither a name nor left in the event") {
  FilterFixture add(kAddClientIdFilter, "from: [http.auth]");
  CHECK(add(line("Bearer opaque-token")) == R"({"http":{"status_code":200}})");
  CHECK(add(line(kToken)) == R"({"http":{"status_code":200}})");
  FilterFixture warned(kAddClientIdFilter, "from: [http.request_headers.authorization]");
  CHECK(warned.problems() == "");
  CHECK(warned.warnings().find("t.yaml:1:8: from[0]: authorization holds a credential") !=
        std::string::npos);
}

TEST_CASE("a value that is no token is an absent value") {
  FilterFixture add(kAddClientIdFilter, "from: [{jwt: http.auth}]");
  for (const char* text : {"", "-", "Bearer", "Bearer abc", "a.b.c", "Basic YTpi",
                           "Bearer e30.e30.x", "Bearer e30.Wzdd.x"}) {
    CAPTURE(text);
    CHECK(add(line(text)) == R"({"http":{"status_code":200}})");
  }
  CHECK(add(R"({"http":{"auth":7}})") == R"({"http":{}})");
  CHECK(add(R"({"http":"auth"})") == R"({"http":"auth"})");
  CHECK(add.counter("unnamed") == 10);
}

TEST_CASE("where nothing yields, an empty name goes and another stays") {
  FilterFixture add(kAddClientIdFilter, "from: [{jwt: auth}]");
  CHECK(add(R"({"client_id":null,"a":1})") == R"({"a":1})");
  CHECK(add(R"({"client_id":"","a":1})") == R"({"a":1})");
  CHECK(add(R"({"client_id":"-","a":1})") == R"({"a":1})");
  CHECK(add(R"({"client_id":"x","a":1})") == R"({"client_id":"x","a":1})");
  FilterFixture anonymous(kAddClientIdFilter,
                          "{from: [{jwt: auth}], default: anonymous, hash: sha256}");
  CHECK(anonymous(R"({"client_id":"-"})") == R"({"client_id":"anonymous"})");
  CHECK(anonymous(R"({"client_id":"x"})") == R"({"client_id":"x"})");
}

TEST_CASE("a hashed name is SHA-256 of salt and name, in hexadecimal digits") {
  FilterFixture add(kAddClientIdFilter, "{from: [user], hash: sha256, salt: a, to: client.id}");
  // SHA-256 of "abc", FIPS 180-4.
  CHECK(
      add(R"({"user":"bc"})") ==
      R"({"user":"bc","client":{"id":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}})");
}

TEST_CASE("a value in the way of the target is the event's error") {
  FilterFixture add(kAddClientIdFilter, "{from: [user], to: client.id}");
  CHECK(add(R"({"user":"a","client":1})")
            .starts_with("error: add_client_id: client.id cannot be set"));
}

TEST_CASE("wrong settings are said with their places") {
  const auto problems = [](const std::string& yaml) {
    return FilterFixture(kAddClientIdFilter, yaml).problems();
  };
  CHECK(problems("{}").find("from: is required") != std::string::npos);
  CHECK(problems("from: []").find("must not be empty") != std::string::npos);
  CHECK(problems("from: [{jwd: a}]").find("did you mean jwt?") != std::string::npos);
  CHECK(problems("from: [{jwt: a, basic: b}]").find("exactly one of") != std::string::npos);
  CHECK(problems("from: [{basic: a, claims: [x]}]").find("only a field or a jwt has claims") !=
        std::string::npos);
  CHECK(problems("from: [{jwt: a, claims: []}]").find("list of names") != std::string::npos);
  CHECK(problems("{from: [a], trust_when: 'b ='}").find("t.yaml:1") != std::string::npos);
  CHECK(problems("{from: [a], salt: x}").find("hash: sha256") != std::string::npos);
  CHECK(problems("from: ['a..b']").find("t.yaml:1:8") != std::string::npos);
}

TEST_CASE("the key alone says what the filter has to see") {
  FilterFixture add(kAddClientIdFilter, "from: [user, {jwt: http.auth}]\nto: who.client");
  const auto read = [&](const char* path) {
    KeyPlan made = FilterFixture::plan(path);
    REQUIRE(add.filter().rule(made));
    CHECK_FALSE(made.removed);
    return made.read;
  };
  CHECK(read("http.auth"));
  CHECK(read("http"));  // the credential may be inside
  CHECK(read("user"));
  CHECK(read("who.client"));
  CHECK(read("who.else"));  // the client's name goes beside it
  CHECK(read("http.status_code"));
  CHECK_FALSE(read("http.method"));
}

TEST_CASE("the gateway's status is not looked at where no credential is") {
  FilterFixture add(kAddClientIdFilter, "from: [user, http.user]");
  KeyPlan status = FilterFixture::plan("http.status_code");
  REQUIRE(add.filter().rule(status));
  CHECK_FALSE(status.read);
  CHECK(add(R"({"http":{"status_code":401,"user":"a"}})") ==
        R"({"http":{"status_code":401,"user":"a"},"client_id":"a"})");
}

}  // namespace
}  // namespace tailgate::filters
