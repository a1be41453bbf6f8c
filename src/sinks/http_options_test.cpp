// SPDX-License-Identifier: Apache-2.0
// What the HTTP sinks say about their settings.
#include <doctest/doctest.h>

#include "settings/reader.h"
#include "sinks/registry.h"
#include "sinks/transports.h"

namespace tailgate::sinks {
namespace {

struct Verdict {
  bool made = false;
  std::string problems;
  std::string warnings;
};

Verdict make(std::string_view type, const std::string& yaml) {
  for (const SinkEntry& entry : table()) {
    if (entry.type != type) continue;
    settings::Problems problems;
    const settings::Section section(
        settings::read_text(yaml, "test.yaml", settings::process_environment(), problems),
        entry.options, problems);
    const SystemClock clock;
    SinkContext context;
    context.clock = &clock;
    context.transports = make_transports(clock);
    context.timeout = Millis(1000);
    const bool made = entry.make(section, context) != nullptr;
    CHECK((made || problems.any()));
    return {made, problems.text(), problems.warnings()};
  }
  FAIL("no such sink");
  return {};
}

bool says(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("a sink with a sound URL is made without a word") {
  for (const char* type : {"eventgate", "http"}) {
    const Verdict verdict = make(type, "url: https://gate.example/v1/events\n");
    CHECK(verdict.made);
    CHECK(verdict.problems.empty());
    CHECK(verdict.warnings.empty());
  }
}

TEST_CASE("problems stand at the option that is wrong") {
  const auto problems = [](const std::string& yaml) {
    return make("http", "url: https://gate.example/\n" + yaml).problems;
  };
  CHECK(says(make("http", "url: kafka://b/t\n").problems, "test.yaml:1:6: url: cannot speak"));
  CHECK(says(make("http", "method: POST\n").problems, "url"));
  CHECK(says(problems("method: GET\n"), "method"));
  CHECK(says(problems("compression: zstd\n"), "compression"));
  CHECK(says(problems("headers: {\"bad name\": x}\n"), "not a header"));
  CHECK(says(problems("headers: {x: \"a\\r\\nb: c\"}\n"), "not a header"));
  CHECK(says(problems("headers: {Content-Length: \"3\"}\n"), "set by the sink itself"));
  CHECK(says(problems("auth: {type: oauth}\n"), "type"));
  CHECK(says(problems("auth: {type: bearer}\n"), "bearer needs token or token_file"));
  CHECK(says(problems("auth: {type: basic, password: x}\n"), "basic needs a user"));
  CHECK(says(problems("auth: {type: bearer, token_file: /no/such}\n"),
             "cannot read /no/such: No such file"));
  CHECK(says(problems("auth: {type: bearer, tokn: x}\n"), "tokn"));
  CHECK(says(problems("tls: {ca_file: /no/such.pem}\n"), "cannot read /no/such.pem"));
  CHECK(says(problems("tls: {key_file: /dev/null}\n"), "a key without its certificate"));
}

TEST_CASE("what works but should not be done is warned of") {
  CHECK(says(make("eventgate", "url: https://gate.example/v1/events?hasty=true\n").warnings,
             "hasty"));
  CHECK(says(make("eventgate", "url: https://gate.example\n").warnings, "/v1/events"));
  CHECK(says(make("http", "url: https://gate.example/\ntls: {verify: false}\n").warnings,
             "verify: false"));
  const std::string auth = "auth: {type: bearer, token: abc}\n";
  CHECK(says(make("http", "url: http://gate.example/\n" + auth).warnings, "unencrypted"));
  CHECK(make("http", "url: http://127.0.0.1/\n" + auth).warnings.empty());
}

TEST_CASE("a token never shows up in what is said") {
  const Verdict verdict =
      make("http", "url: http://gate.example/\nauth: {type: bearer, token: \"abc\\ndef\"}\n");
  CHECK_FALSE(verdict.made);
  CHECK_FALSE(says(verdict.problems + verdict.warnings, "abc"));
}

}  // namespace
}  // namespace tailgate::sinks
