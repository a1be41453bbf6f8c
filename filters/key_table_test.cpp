// SPDX-License-Identifier: Apache-2.0
#include "filters/key_table.h"

#include <doctest/doctest.h>

#include <string>

#include "core/filter.h"
#include "settings/reader.h"

namespace tailgate::filters {

extern const FilterEntry kUnflattenFilter;

namespace {

struct Fixture {
  Fixture() {
    settings::Problems problems;
    const auto none = [](const std::string&) { return std::optional<std::string>(); };
    const settings::Node node = settings::read_text("keys: {flat: a.b}", "t.yaml", none, problems);
    split.read(settings::Section(node, kUnflattenFilter.options, problems));
    REQUIRE_FALSE(problems.any());
  }
  KeySplit split;
  KeyTable table{split};
};

json::Member member(std::string_view key, std::string_view name) {
  json::Member member;
  member.key = key;
  member.name = name;
  return member;
}

TEST_CASE("a key has one plan, found again by what stood before it") {
  Fixture f;
  SplitPlan* const first = f.table.plan(member("a.b", "a.b"), f.table.head());
  SplitPlan* const second = f.table.plan(member("c", "c"), first);
  CHECK(f.table.head()->next == first);
  CHECK(first->next == second);
  CHECK(f.table.plan(member("a.b", "a.b"), f.table.head()) == first);
  CHECK(f.table.plan(member("a.b", "a.b"), second) == first);
  CHECK(second->segments.empty());
}

TEST_CASE("keys that lead to one path share its places") {
  Fixture f;
  const SplitPlan* const split = f.table.plan(member("a.b", "a.b"), f.table.head());
  const SplitPlan* const given = f.table.plan(member("flat", "flat"), f.table.head());
  REQUIRE(split->segments.size() == 2);
  REQUIRE(given->segments.size() == 2);
  CHECK(split->segments[0].place == given->segments[0].place);
  CHECK(split->segments[1].place == given->segments[1].place);
  CHECK(given->given != nullptr);
  CHECK(f.table.plan(member("a", "a"), f.table.head())->self == split->segments[0].place);
}

TEST_CASE("names lie in the key with their escapes") {
  Fixture f;
  const std::string key = R"(caf\u00e9.\ud83d\ude00.\n)";
  const std::string name = "café.😀.\n";
  const SplitPlan* const plan = f.table.plan(member(key, name), f.table.head());
  REQUIRE(plan->segments.size() == 3);
  std::string keys;
  std::string names;
  for (const SplitPlan::Segment& segment : plan->segments) {
    keys += key.substr(segment.key_at, segment.key_size) + "|";
    names += name.substr(segment.name_at, segment.name_size) + "|";
  }
  CHECK(keys == R"(caf\u00e9|\ud83d\ude00|\n|)");
  CHECK(names == "café|😀|\n|");
}

TEST_CASE("a table with more keys than any log has is full, and empty again when cleared") {
  Fixture f;
  CHECK_FALSE(f.table.full());
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "k" + std::to_string(i);
    (void)f.table.plan(member(key, key), f.table.head());
  }
  CHECK(f.table.full());
  f.table.clear();
  CHECK_FALSE(f.table.full());
  CHECK(f.table.head()->next == nullptr);
}

}  // namespace
}  // namespace tailgate::filters
