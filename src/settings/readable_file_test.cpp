// SPDX-License-Identifier: Apache-2.0
#include "settings/readable_file.h"

#include <doctest/doctest.h>

#include <array>

#include "settings/reader.h"

namespace tailgate::settings {
namespace {

constexpr std::array<Option, 1> kTable = {{{.name = "schema", .summary = "A file."}}};

struct Read {
  explicit Read(const std::string& yaml)
      : section(read_text(yaml, "etc/t.yaml", process_environment(), problems), kTable, problems),
        file(readable_file(section, "schema")) {}
  Problems problems;
  Section section;
  std::string file;
};

TEST_CASE("a file that cannot be read is a problem where it is named") {
  const Read gone("schema: /nowhere/s.yaml\n");
  CHECK(gone.file.empty());
  CHECK(gone.problems.text() ==
        "etc/t.yaml:1:9: schema: cannot read /nowhere/s.yaml: No such file or directory\n");
  const Read folder("schema: /\n");
  CHECK(folder.file.empty());
  CHECK(folder.problems.text() == "etc/t.yaml:1:9: schema: / is a folder, not a file\n");
}

TEST_CASE("a file without a name is a problem") {
  CHECK(Read("schema: \"\"\n").problems.text() == "etc/t.yaml:1:9: schema: must not be empty\n");
}

TEST_CASE("a relative file is looked for beside the settings") {
  CHECK(Read("schema: s.yaml\n").problems.text() ==
        "etc/t.yaml:1:9: schema: cannot read etc/s.yaml: No such file or directory\n");
}

TEST_CASE("a file that can be read is named, and one that is not given is no problem") {
  const Read fine("schema: /dev/null\n");
  CHECK(fine.file == "/dev/null");
  const Read none("");
  CHECK(none.file.empty());
  CHECK_FALSE(none.problems.any());
}

}  // namespace
}  // namespace tailgate::settings
