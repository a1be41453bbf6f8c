// SPDX-License-Identifier: Apache-2.0
#include "sinks/url.h"

#include <doctest/doctest.h>

namespace tailgate::sinks {
namespace {

TEST_CASE("a URL is taken apart, and what is shown holds no query") {
  const auto url = parse_url("https://Gate.example:4592/v1/events?hasty=true&key=secret#top");
  REQUIRE(url);
  CHECK(url->full == "https://Gate.example:4592/v1/events?hasty=true&key=secret");
  CHECK(url->shown == "https://Gate.example:4592/v1/events");
  CHECK(url->scheme == "https");
  CHECK(url->path == "/v1/events");
  CHECK(url->has_parameter("hasty"));
  CHECK(url->has_parameter("key"));
  CHECK_FALSE(url->has_parameter("true"));
  CHECK_FALSE(url->is_loopback());
}

TEST_CASE("a secret path is requested and not shown") {
  const auto url = parse_url("https://hooks.example:8443/T0/B1/abc?x=y", true);
  REQUIRE(url);
  CHECK(url->full == "https://hooks.example:8443/T0/B1/abc?x=y");
  CHECK(url->shown == "https://hooks.example:8443/***");
  CHECK(parse_url("https://hooks.example/", true)->shown == "https://hooks.example/");
}

TEST_CASE("loopback is known by its names and numbers") {
  for (const char* text : {"http://127.0.0.1/", "http://localhost:80", "http://[::1]:8080/x"}) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE(url);
    CHECK(url->is_loopback());
  }
  CHECK_FALSE(parse_url("http://localhost.example/")->is_loopback());
}

TEST_CASE("what is not a URL is refused with the reason") {
  const auto why = [](const char* text) {
    const auto url = parse_url(text);
    return url ? std::string() : url.error().what;
  };
  CHECK(why("gate.example/v1") == "a URL starts with https:// or http://");
  CHECK(why("ftp://gate.example/").starts_with("cannot speak \"ftp\""));
  CHECK(why("kafka://gate.example/topic").starts_with("cannot speak \"kafka\""));
  CHECK(why("https:///v1/events") == "the URL names no host");
  CHECK(why("https://:4592/v1") == "the URL names no host");
  CHECK(why("https://gate.example:port/").starts_with("not a URL: "));
  CHECK(why("https://gate.example/a b") == "a URL holds no spaces or line ends");
  const std::string refused = why("https://me:hunter2@gate.example/");
  CHECK(refused.find("auth: {type: basic") != std::string::npos);
  CHECK(refused.find("hunter2") == std::string::npos);
}

TEST_CASE("an @ behind the host is no credential") {
  CHECK(parse_url("https://gate.example/@me?to=a@b"));
}

}  // namespace
}  // namespace tailgate::sinks
