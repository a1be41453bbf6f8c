// SPDX-License-Identifier: Apache-2.0
#include "filters/key_split.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/filter.h"
#include "settings/reader.h"

namespace tailgate::filters {

extern const FilterEntry kUnflattenFilter;

namespace {

class Settings {
 public:
  explicit Settings(const std::string& yaml) {
    const auto none = [](const std::string&) { return std::optional<std::string>(); };
    const settings::Node node = settings::read_text(yaml, "t.yaml", none, problems_);
    split.read(settings::Section(node, kUnflattenFilter.options, problems_));
  }
  [[nodiscard]] std::string problems() const { return problems_.text(); }

  /// The names, with a bar between; "flat" when the key stays, "unplaced" when the schema has no place for it.
  [[nodiscard]] std::string operator()(std::string_view key) const {
    const KeySplit::Answer answer = split.split(key);
    if (answer.given != nullptr) return "given " + answer.given->text();
    if (answer.unplaced) return "unplaced";
    std::string text;
    for (const std::string_view name : answer.names) {
      // Slices of the key, so that nothing is copied.
      REQUIRE((name.data() >= key.data() && name.data() + name.size() <= key.data() + key.size()));
      text.append(text.empty() ? "" : "|").append(name);
    }
    return text.empty() ? "flat" : text;
  }

  KeySplit split;

 private:
  settings::Problems problems_;
};

TEST_CASE("a key is split at every separator, unless a name would be empty") {
  const Settings split("{}");
  CHECK(split("a.b.c") == "a|b|c");
  CHECK(split("a") == "flat");
  CHECK(split("a..b") == "flat");
  CHECK(split(".a") == "flat");
  CHECK(Settings("separator: __")("a__b_c") == "a|b_c");
}

TEST_CASE("the table of keys comes before the separator, and may keep a key as it is") {
  const Settings split(R"(keys: {http_status: http.code, a.b: '."a.b"'})");
  CHECK(split("http_status") == "given http.code");
  CHECK(split("a.b") == "flat");
  CHECK(split("a.c") == "a|c");
}

TEST_CASE("only and except name keys by whole levels") {
  const Settings split("{only: [http, meta.], except: http.headers}");
  CHECK(split("http.code") == "http|code");
  CHECK(split("https.code") == "flat");
  CHECK(split("meta.id") == "meta|id");
  CHECK(split("http.headers.host") == "flat");
  CHECK(split("other.id") == "flat");
}

TEST_CASE("levels beyond max_depth stay one name") {
  const Settings split("max_depth: 2");
  CHECK(split("a.b.c.d") == "a|b.c.d");
  CHECK(Settings("max_depth: 1")("a.b") == "flat");
}

TEST_CASE("a schema says where names end; what it has no place for is told") {
  const std::string file = std::filesystem::temp_directory_path() / "tailgate-key-split.json";
  std::ofstream(file) << R"({"type":"object","properties":{"http":{"type":"object","properties":{
      "status_code":{"type":"integer"}}}}})";
  const Settings split("{separator: _, schema: " + file + "}");
  CHECK(split("http_status_code") == "http|status_code");
  CHECK(split("no_such_place") == "unplaced");
  std::filesystem::remove(file);
}

TEST_CASE("wrong settings are named") {
  CHECK(Settings("separator: ''").problems().find("must not be empty") != std::string::npos);
  CHECK(Settings("max_depth: 0").problems().find("from 1") != std::string::npos);
  CHECK(Settings("keys: {a: 'b[0]'}").problems().find("an array's element") != std::string::npos);
}

}  // namespace
}  // namespace tailgate::filters
