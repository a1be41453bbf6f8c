// SPDX-License-Identifier: Apache-2.0
#include "settings/options.h"

#include <doctest/doctest.h>

#include <array>

#include "settings/reader.h"

namespace tailgate::settings {
namespace {

constexpr std::array<Option, 12> kTable = {{
    {.name = "url", .type = Type::text, .summary = "Where to.", .required = true},
    {.name = "verify", .type = Type::boolean, .default_text = "true", .summary = "Check it."},
    {.name = "max_events", .type = Type::integer, .default_text = "500", .summary = "How many."},
    {.name = "max_bytes", .type = Type::bytes, .default_text = "90KiB", .summary = "How large."},
    {.name = "timeout", .type = Type::duration, .default_text = "65s", .summary = "How long."},
    {.name = "compression",
     .type = Type::choice,
     .default_text = "none",
     .summary = "How.",
     .choices = "none|gzip"},
    {.name = "claims",
     .type = Type::text_or_list,
     .default_text = "[client_id, azp]",
     .summary = "Which."},
    {.name = "headers", .type = Type::text_map, .summary = "More headers."},
    {.name = "when", .type = Type::condition, .summary = "Which events."},
    {.name = "topic",
     .type = Type::text_template,
     .default_text = "\"{a}\"",
     .summary = "Where to."},
    {.name = "key", .type = Type::path, .summary = "By what."},
    {.name = "retry", .type = Type::any, .summary = "Checked elsewhere."},
}};

struct Checked {
  explicit Checked(const std::string& yaml)
      : section(read_text(
                    yaml, "t.yaml",
                    [](const std::string& name) -> std::optional<std::string> {
                      return name == "SECRET" ? std::optional<std::string>("hunter2")
                                              : std::nullopt;
                    },
                    problems),
                kTable, problems) {}
  Problems problems;
  Section section;
};

TEST_CASE("options give their value, else their default") {
  const Checked none("url: https://x\n");
  CHECK(none.problems.text().empty());
  CHECK(none.section.flag("verify"));
  CHECK(none.section.integer("max_events") == 500);
  CHECK(none.section.bytes("max_bytes") == 90 * 1024);
  CHECK(none.section.duration("timeout") == Millis(65'000));
  CHECK(none.section.text("compression") == "none");
  CHECK(none.section.texts("claims") == std::vector<std::string>{"client_id", "azp"});
  CHECK(none.section.pairs("headers").empty());
  CHECK(none.section.text("topic") == "{a}");
  CHECK_FALSE(none.section.given("when"));
  const Checked all(
      "url: https://x\nverify: false\nmax_events: -7\nmax_bytes: 1Mi\ntimeout: "
      "\"1m30s\"\ncompression: gzip\n"
      "claims: [a, b]\nheaders: {A: 1, B: \"x\"}\nwhen: a == 1\ntopic: \"{b}\"\nkey: a.b\nretry: "
      "{free: true}\n");
  CHECK(all.problems.text().empty());
  CHECK_FALSE(all.section.flag("verify"));
  CHECK(all.section.integer("max_events") == -7);
  CHECK(all.section.bytes("max_bytes") == Bytes{1} << 20);
  CHECK(all.section.duration("timeout") == Millis(90'000));
  CHECK(all.section.texts("claims") == std::vector<std::string>{"a", "b"});
  CHECK(all.section.pairs("headers") ==
        std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", "x"}});
  CHECK(all.section.node("retry").at("free").text() == "true");
}

TEST_CASE("everything wrong is said at once, in the file's order") {
  const Checked c(
      "max_event: 5\nverify: yes\nmax_bytes: 90KB\ntimeout: soon\ncompression: gzpi\ntopic: "
      "{meta.stream}\n"
      "claims: [a, {b: c}]\nheaders: [x]\nmax_events: \"5\"\nwhen: [a]\n");
  CHECK(
      c.problems.text() ==
      "t.yaml:1:1: max_event: unknown option; did you mean max_events?\n"
      "t.yaml:1:1: url: is required\n"
      "t.yaml:2:9: verify: expected true or false (yes, no, on and off are texts here), found "
      "\"yes\"; write true\n"
      "t.yaml:3:12: max_bytes: \"90KB\" is not a size; write a whole number with Ki, Mi or Gi, "
      "such as 90KiB\n"
      "t.yaml:4:10: timeout: \"soon\" is not a duration; write a number with ms, s, m, h or d, "
      "such as 30s\n"
      "t.yaml:5:14: compression: \"gzpi\" is none of none, gzip; did you mean gzip?\n"
      "t.yaml:6:8: topic: { } without quotes is a YAML map; quote it: `topic: \"{meta.stream}\"`\n"
      "t.yaml:7:13: claims[1]: expected a text, found a map\n"
      "t.yaml:8:10: headers: expected a map of names and texts, found a list\n"
      "t.yaml:9:13: max_events: expected a whole number, found the text \"5\"; remove the quotes\n"
      "t.yaml:10:7: when: expected a condition, which is a text, found a list\n");
  CHECK(c.section.integer("max_events") == 5);
  CHECK(c.section.bytes("max_bytes") == 90 * 1024);
  CHECK(c.section.flag("verify"));
}

TEST_CASE("a required option must not be empty") {
  CHECK(Checked("url: \"\"\n").problems.text() == "t.yaml:1:6: url: must not be empty\n");
  CHECK(Checked("url:\n").problems.text() == "t.yaml:1:1: url: is required\n");
}

TEST_CASE("a value from the environment is not repeated in a message") {
  const std::string text =
      Checked("url: x\ntimeout: ${SECRET}\ncompression: ${SECRET}\nmax_events: ${SECRET}\n")
          .problems.text();
  CHECK(text.find("hunter2") == std::string::npos);
  CHECK(text.find("t.yaml:2:10: timeout: expected a duration") == 0);
}

TEST_CASE("after wrong syntax nothing is missed, and of a refused value nothing else is said") {
  CHECK(Checked("max_events: [1\n").problems.text().find("is required") == std::string::npos);
  const Checked c("url: x\ntopic: {a}\n");
  c.section.problem("topic", "the topic is empty");
  CHECK(c.problems.text() ==
        "t.yaml:2:8: topic: { } without quotes is a YAML map; quote it: `topic: \"{a}\"`\n");
}

TEST_CASE("one wrong value is one problem") {
  CHECK(
      Checked("url: ${UNSET}\n").problems.text() ==
      "t.yaml:1:6: url: the environment has no UNSET: set it, or write a default as ${UNSET:-…}\n");
}

TEST_CASE("a section may be absent, and may not be a list") {
  Problems problems;
  const Section absent(Node(), OptionTable(kTable).subspan(1), problems);
  CHECK_FALSE(problems.any());
  CHECK(absent.integer("max_events") == 500);
  CHECK(Checked("[a]").problems.text() == "t.yaml:1:1: expected a map of options, found a list\n");
}

TEST_CASE("misspelt words find their neighbour") {
  const std::vector<std::string_view> names = {"max_events", "max_bytes", "compression", "ca_file",
                                               "to"};
  CHECK(did_you_mean("maxEvents", names) == "max_events");
  CHECK(did_you_mean("max-bytes", names) == "max_bytes");
  CHECK(did_you_mean("compress", names) == "compression");
  CHECK(did_you_mean("ca_flie", names) == "ca_file");
  CHECK(did_you_mean("colour", names).empty());
}

TEST_CASE("an option for any key takes every key that has none of its own") {
  constexpr std::array<Option, 2> kFree = {
      {{.name = "url", .summary = "Where to."}, {.name = kAnyKey, .summary = "A path."}}};
  Problems problems;
  const Node node = read_text(
      "a.b: c\nurl: d\nx: [1]\n", "t.yaml",
      [](const std::string&) { return std::optional<std::string>(); }, problems);
  const Section section(node, kFree, problems);
  CHECK(problems.text() == "t.yaml:3:4: x: expected a text, found a list\n");
  CHECK(section.text("url") == "d");
}

}  // namespace
}  // namespace tailgate::settings
