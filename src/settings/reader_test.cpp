// SPDX-License-Identifier: Apache-2.0
#include "settings/reader.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tailgate::settings {
namespace {

Environment environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (name == "PORT") return "9092";
    if (name == "EMPTY") return "";
    if (name == "YAML") return "a: {b}\n\"";
    return std::nullopt;
  };
}

struct Read {
  explicit Read(const std::string& text)
      : root(read_text(text, "t.yaml", environment(), problems)) {}
  Problems problems;
  Node root;
};

/// A folder of its own for one test, removed after it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "settings-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

TEST_CASE("values know their path, line and column") {
  const Read read(
      "version: 1\nsinks:\n  gateway:\n    url: \"https://x\"\n    list: [a, {b.c: d}]\n");
  CHECK(read.problems.text().empty());
  const Node url = read.root.at("sinks").at("gateway").at("url");
  CHECK(url.text() == "https://x");
  CHECK(url.quoted());
  CHECK(url.path() == "sinks.gateway.url");
  CHECK(url.location().line == 4);
  CHECK(url.location().column == 10);
  CHECK_FALSE(read.root.at("version").quoted());
  CHECK(read.root.at("sinks").at("gateway").at("list").items()[1].at("b.c").path() ==
        "sinks.gateway.list[1].\"b.c\"");
}

TEST_CASE("a member that is not there has the place of its map") {
  const Read read("a:\n  b: 1\n");
  const Node missing = read.root.at("a").at("c");
  CHECK_FALSE(missing.given());
  CHECK(missing.path() == "a.c");
  CHECK(missing.location().line == 2);
}

TEST_CASE("a key given twice is a problem that names both places") {
  const Read read("a: 1\nb: {c: 1, c: 2}\na: 2\n");
  CHECK(read.problems.text() ==
        "t.yaml:2:11: b.c: given twice, first in line 2: remove one\n"
        "t.yaml:3:1: a: given twice, first in line 1: remove one\n");
}

TEST_CASE("merge keys and second documents are problems") {
  CHECK(Read("a: &x {b: 1}\nc:\n  <<: *x\n").problems.text().find("t.yaml:3:3: c.<<: merging") ==
        0);
  CHECK(Read("a: 1\n---\nb: 1\n").problems.text().find("t.yaml:2:") == 0);
}

TEST_CASE("wrong syntax is named with line and column") {
  CHECK(Read("a: 1\nb: c: d\n").problems.text() == "t.yaml:2:5: YAML: illegal map value\n");
  CHECK(Read("a: [1, 2\n").problems.any());
  CHECK(Read("a: {t: ${PORT}}\n").problems.text().find("quote what holds ${…}") !=
        std::string::npos);
}

TEST_CASE("aliases stand for what they name, under their own path") {
  const Read read("x-base: &base {max: 5}\na: *base\nb: *base\n");
  CHECK_FALSE(read.problems.any());
  CHECK(read.root.at("a").at("max").text() == "5");
  CHECK(read.root.at("b").at("max").path() == "b.max");
  CHECK_FALSE(read.root.at("x-base").given());
  CHECK(read.root.members().size() == 2);
}

TEST_CASE("an alias inside what it names is a problem") {
  CHECK(Read("a: &x {b: *x}\n").problems.text() ==
        "t.yaml:1:11: this alias stands inside what it names\n");
}

TEST_CASE("aliases that stand for billions of values are refused") {
  std::string text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j > 0 ? ", " : "") + last;
    text += "]\n";
  }
  CHECK(Read(text).problems.text().find("stand for too much") != std::string::npos);
}

TEST_CASE("the environment is put in after parsing, so it cannot change the structure") {
  const Read read(
      "a: ${PORT}\nb: \"x-${PORT}-$${PORT}-$5\"\nc: ${NONE:-30s}\nd: ${YAML}\ne: ${EMPTY:-f}\ng: "
      "'${EMPTY}'\n");
  CHECK(read.problems.text().empty());
  CHECK(read.root.at("a").text() == "9092");
  CHECK_FALSE(read.root.at("a").quoted());
  CHECK(read.root.at("a").secret());
  CHECK(read.root.at("b").text() == "x-9092-${PORT}-$5");
  CHECK(read.root.at("c").text() == "30s");
  CHECK_FALSE(read.root.at("c").secret());
  CHECK(read.root.at("d").text() == "a: {b}\n\"");
  CHECK(read.root.at("e").text() == "f");
  CHECK(read.root.at("g").text().empty());
}

TEST_CASE("no problem repeats what was put in, whoever finds it") {
  Read read("a: ${PORT}\nb: 9092\n");
  read.problems.add(read.root.at("a"), "there is no sink type \"9092\" (9092)");
  read.problems.warn(read.root.at("a"), "9092 is odd");
  read.problems.add(read.root.at("b"), "9092 is no text");
  CHECK(read.problems.text() ==
        "t.yaml:1:4: a: there is no sink type \"***\" (***)\nt.yaml:2:4: b: 9092 is no text\n");
  CHECK(read.problems.warnings() == "t.yaml:1:4: a: *** is odd\n");
}

TEST_CASE("a plain value that becomes empty or null by substitution is not given") {
  const Read read("a: ${NONE:-}\nb: \"${NONE:-}\"\n");
  CHECK_FALSE(read.root.at("a").given());
  CHECK(read.root.at("b").given());
}

TEST_CASE("an unset variable without a default is a problem at its place") {
  const Read read("a:\n  b: ${NONE}\n  c: ${not a name}\n  d: ${open\n");
  CHECK(read.problems.text().find(
            "t.yaml:2:6: a.b: the environment has no NONE: set it, or write a default as "
            "${NONE:-…}\nt.yaml:3:6: a.c: ${not a name} is none of") == 0);
  CHECK(read.problems.text().find("t.yaml:4:6: a.d: this ${ has no }") != std::string::npos);
}

TEST_CASE("a secret comes from a file beside the settings, without its last newline") {
  const Folder folder;
  folder.write("token", "s3cret\n");
  const std::string file =
      folder.write("c.yaml", "t: \"Bearer ${file:token}\"\nu: ${file:nowhere}\n");
  Problems problems;
  const Node root = read_file(file, environment(), problems);
  CHECK(root.at("t").text() == "Bearer s3cret");
  CHECK(root.at("t").secret());
  CHECK(problems.text().find(":2:4: u: cannot read ") != std::string::npos);
  CHECK(problems.text().find("No such file") != std::string::npos);
}

TEST_CASE("a file that is not there is a problem that names it") {
  Problems problems;
  CHECK_FALSE(read_file("/nowhere/c.yaml", environment(), problems).given());
  CHECK(problems.text() == "/nowhere/c.yaml: cannot be read: No such file or directory\n");
}

TEST_CASE("a text that begins with ! says that it needs quotes") {
  CHECK(Read("when: !(a)\n")
            .problems.text()
            .find("t.yaml:1:7: when: a text that begins with ! must be quoted") == 0);
}

TEST_CASE("a plain file is read without substitution, JSON in all its spellings") {
  const Folder folder;
  const std::string json = folder.write("s.json",
                                        "{\n\t\"$id\":\t\"\\/a\\/"
                                        "b\",\"pattern\":\"^\\ud83d\\ude00\\u00e9$\",\"n\":-1.5e3,"
                                        "\"no\":null,\"x-y\":{\"${A}\":true}}\n");
  Problems problems;
  const Node root = read_plain_file(json, problems);
  CHECK(problems.text().empty());
  CHECK(root.at("$id").text() == "/a/b");
  CHECK(root.at("$id").location().line == 2);
  CHECK(root.at("$id").location().column == 9);
  CHECK(root.at("pattern").text() == "^\xF0\x9F\x98\x80\xC3\xA9$");
  CHECK(root.at("n").text() == "-1.5e3");
  CHECK_FALSE(root.at("n").quoted());
  CHECK_FALSE(root.at("no").given());
  CHECK(root.at("x-y").at("${A}").text() == "true");
  const std::string yaml = folder.write("s.yaml", "title: ${NONE}\nx-free: 1\n");
  const Node plain = read_plain_file(yaml, problems);
  CHECK(plain.at("title").text() == "${NONE}");
  CHECK(plain.at("x-free").given());
  CHECK(problems.text().empty());
}

TEST_CASE("wrong JSON is named with line and column") {
  const Folder folder;
  Problems problems;
  read_plain_file(folder.write("s.json", "{\"a\": [1,\n 2}"), problems);
  CHECK(problems.text().find("s.json:") != std::string::npos);
  CHECK(problems.text().find("YAML: ") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::settings
