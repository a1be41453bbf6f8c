// SPDX-License-Identifier: Apache-2.0
#include "settings/describe.h"

#include <doctest/doctest.h>

#include <fstream>

#include "settings/print.h"
#include "settings/reader.h"

namespace tailgate::settings {
namespace {

SectionDoc example() {
  SectionDoc batch{.name = "batch", .summary = "How events are put together."};
  batch.options = {{.name = "max_events",
                    .type = Type::integer,
                    .default_text = "500",
                    .summary = "At most so many."},
                   {.name = "max_bytes",
                    .type = Type::bytes,
                    .default_text = "90KiB",
                    .summary = "At most so large."}};
  SectionDoc http{.name = "http", .summary = "Posts batches."};
  http.options = {{.name = "url", .type = Type::text, .summary = "Where to.", .required = true},
                  {.name = "token", .type = Type::text, .summary = "Who asks.", .secret = true},
                  {.name = "compression",
                   .type = Type::choice,
                   .default_text = "none",
                   .summary = "None | gzip.",
                   .choices = "none|gzip"}};
  SectionDoc sinks{
      .name = "sinks", .summary = "Where events go.", .shape = SectionDoc::Shape::named};
  sinks.options = {{.name = "type", .type = Type::text, .summary = "What it is.", .required = true},
                   {.name = "batch", .type = Type::any, .summary = "Gives way."},
                   {.name = "when", .type = Type::condition, .summary = "Which events."}};
  sinks.children = {batch,
                    {.name = "filters", .shape = SectionDoc::Shape::list, .same_as = "filters"}};
  sinks.kinds = {http, {.name = "stdout", .summary = "Prints."}};
  SectionDoc unflatten{.name = "unflatten", .summary = "Nests keys."};
  unflatten.options = {
      {.name = "separator", .type = Type::text, .default_text = ".", .summary = "Between names."}};
  SectionDoc filters{
      .name = "filters", .summary = "Change events.", .shape = SectionDoc::Shape::list};
  filters.options = {{.name = "when", .type = Type::condition, .summary = "Which events."}};
  filters.kinds = {unflatten};
  SectionDoc root{.summary = "Settings"};
  root.options = {
      {.name = "version", .type = Type::integer, .summary = "1.", .required = true},
      {.name = "grace", .type = Type::duration, .default_text = "25s", .summary = "How long."}};
  root.children = {sinks, filters};
  return root;
}

constexpr const char* kYaml =
    "version: 1\nsinks:\n  out:\n    type: http\n    url: \"https://me:pw@host/x\"\n    token: "
    "abc\n    headers: {Authorization: Bearer x, A: 1}\n"
    "    batch: {max_events: 5}\n    filters: [{unflatten: {separator: \"_\"}, when: 'a == "
    "\"b\"'}]\n  two: {type: stdout}\n"
    "filters:\n  - unflatten:\n  - unflatten: {separator: \"${HIDDEN}\"}\n  - [a, b]\nfree: "
    "\"$${X}\\n\"\n";

Node read(const std::string& text, Problems& problems) {
  return read_text(
      text, "t.yaml", [](const std::string&) { return std::optional<std::string>("s3cret"); },
      problems);
}

TEST_CASE("the JSON Schema is itself JSON and says the tables") {
  const std::string schema = json_schema(example());
  CHECK(schema == json_schema(example()));
  Problems problems;
  const Node root =
      read(schema,
           problems);  // JSON is YAML; its ${ would be substituted, so only structure is looked at
  const Node http = root.at("definitions").at("sinks.http");
  CHECK(http.at("required").items().size() == 2);
  CHECK(
      http.at("properties").at("compression").at("anyOf").items()[0].at("enum").items()[1].text() ==
      "gzip");
  CHECK(http.at("properties").at("batch").at("properties").at("max_events").at("default").text() ==
        "500");
  CHECK(http.at("properties").at("filters").at("$ref").text() == "#/definitions/filters");
  CHECK(root.at("definitions").at("filters").at("items").at("properties").at("unflatten").given());
}

TEST_CASE("the reference has a heading per section and a row per option") {
  const std::string text = reference_markdown(example());
  CHECK(text.find("# Settings\n\n| option | type | default | meaning |\n|---|---|---|---|\n| "
                  "`version` | integer | required | 1. |\n"
                  "| `grace` | duration | `25s` | How long. |\n\n## `sinks`\n\nWhere events "
                  "go.\n\nEvery `sinks.NAME` has:\n") == 0);
  CHECK(text.find("### `sinks.NAME.batch`") != std::string::npos);
  CHECK(text.find("### `sinks.NAME` with `type: http`\n\nPosts batches.\n") != std::string::npos);
  CHECK(text.find("| `compression` | `none`, `gzip` | `none` | None \\| gzip. |") !=
        std::string::npos);
  CHECK(text.find("| `token` | text |  | Who asks. Printed as `***`. |") != std::string::npos);
  CHECK(text.find("The same as [`filters`](#filters).") != std::string::npos);
}

TEST_CASE("settings print without secrets and read back as the same settings") {
  Problems problems;
  const std::string printed = print_masked(read(kYaml, problems), example(), Defaults::omit);
  CHECK(problems.text().empty());
  CHECK(printed ==
        "version: 1\nsinks:\n  out:\n    type: http\n    url: \"https://me:***@host/x\"\n    "
        "token: \"***\"\n    headers:\n"
        "      Authorization: \"***\"\n      A: 1\n    batch:\n      max_events: 5\n    filters:\n "
        "     - unflatten:\n"
        "          separator: \"_\"\n        when: \"a == \\\"b\\\"\"\n  two:\n    type: "
        "stdout\nfilters:\n"
        "  - unflatten: {}\n  - unflatten:\n      separator: \"***\"\n  - - a\n    - b\nfree: "
        "\"$${X}\\x0a\"\n");
  const Node again = read(printed, problems);
  CHECK(problems.text().empty());
  CHECK(print_masked(again, example(), Defaults::omit) == printed);
  CHECK(again.at("free").text() == "${X}\n");
}

TEST_CASE("a key with ${ in it prints as it is: nothing is substituted in keys") {
  Problems problems;
  const std::string text = "free:\n  a${B}: \"$${C}\"\n";
  CHECK(print_masked(read(text, problems), example(), Defaults::omit) == text);
  CHECK(problems.text().empty());
}

TEST_CASE("defaults are shown where they are asked for") {
  Problems problems;
  const Node root =
      read("version: 1\nsinks: {a: {type: http, url: x}}\nfilters: [{unflatten: }]\n", problems);
  CHECK(print_masked(root, example(), Defaults::show) ==
        "version: 1\nsinks:\n  a:\n    type: http\n    url: x\n    compression: none\n    batch:\n "
        "     max_events: 500\n"
        "      max_bytes: 90KiB\n    filters: []\nfilters:\n  - unflatten:\n      separator: "
        ".\ngrace: 25s\n");
}

}  // namespace
}  // namespace tailgate::settings
