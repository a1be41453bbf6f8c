// SPDX-License-Identifier: Apache-2.0
#include "filters/nest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/filter.h"
#include "json/parse.h"
#include "json/write.h"

namespace tailgate::filters {

extern const FilterEntry kUnflattenFilter;

namespace {

// Every member of the line in its turn: to where its plan says, or staying where it is.
class Nested {
 public:
  explicit Nested(bool arrays = false, bool overwrite = false)
      : overwrite_(overwrite), nest_(table_, arrays) {}

  std::string operator()(const std::string& line) {
    json::Arena arena;
    json::Event event(arena);
    const std::string padded = line + std::string(json::kPadding, ' ');
    REQUIRE(parser_.parse(std::string_view(padded).substr(0, line.size()), event).has_value());
    std::vector<json::Member*> members;
    for (json::Member* each = event.root().first; each != nullptr; each = each->next)
      members.push_back(each);
    conflicts = 0;
    nest_.begin(event);
    SplitPlan* plan = table_.head();
    for (std::size_t i = 0; i < members.size(); ++i) {
      members[i]->next = nullptr;
      plan = table_.plan(*members[i], plan);
      const auto position = static_cast<std::int64_t>(i);
      if (plan->segments.empty()) {
        nest_.stay(*plan->self, members[i], position);
      } else if (nest_.move(*plan, members[i], position, overwrite_) == Nest::Outcome::conflict) {
        ++conflicts;
      }
    }
    nest_.end();
    std::string text;
    json::write(event, text);
    return text;
  }

  int conflicts = 0;
  [[nodiscard]] std::uint64_t replaced() const { return nest_.replaced(); }

 private:
  static KeySplit by_dots() {
    settings::Problems problems;
    KeySplit split;
    split.read(settings::Section(settings::Node(), kUnflattenFilter.options, problems));
    return split;
  }

  const KeySplit split_ = by_dots();
  KeyTable table_{split_};
  bool overwrite_;
  Nest nest_;
  json::Parser parser_;
};

TEST_CASE("members come where their names say, event after event") {
  Nested nested;
  CHECK(nested(R"({"a.b":1,"c":2,"a.d":3})") == R"({"a":{"b":1,"d":3},"c":2})");
  CHECK(nested(R"({"c":2,"a.d":3})") == R"({"c":2,"a":{"d":3}})");
  CHECK(nested(R"({"a.b":1})") == R"({"a":{"b":1}})");
}

TEST_CASE("a conflict changes nothing; where the later key wins it is counted") {
  Nested careful;
  CHECK(careful(R"({"a.b":1,"a.b.c":2,"d":3})") == R"({"a":{"b":1},"d":3})");
  CHECK(careful.conflicts == 1);
  CHECK(careful.replaced() == 0);
  Nested later(false, true);
  CHECK(later(R"({"a.b":1,"a.b.c":2,"d":3})") == R"({"a":{"b":{"c":2}},"d":3})");
  CHECK(later.conflicts == 0);
  CHECK(later.replaced() == 1);
}

TEST_CASE("objects that meet are merged, and only as a whole") {
  Nested nested;
  CHECK(nested(R"({"a.b":{"x":1},"a.b.y":2})") == R"({"a":{"b":{"x":1,"y":2}}})");
  CHECK(nested(R"({"a.b":{"x":1,"z":0},"a.b.x":{"q":2}})") == R"({"a":{"b":{"x":1,"z":0}}})");
  CHECK(nested.conflicts == 1);
}

TEST_CASE("names that count from 0 become an array, others do not") {
  Nested nested(true);
  CHECK(nested(R"({"a.1":"y","a.0":"x"})") == R"({"a":["x","y"]})");
  CHECK(nested(R"({"a.0":"x","a.2":"z"})") == R"({"a":{"0":"x","2":"z"}})");
  CHECK(nested(R"({"a.00":"x"})") == R"({"a":{"00":"x"}})");
}

}  // namespace
}  // namespace tailgate::filters
