// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "filters/registry.h"
#include "json/parse.h"
#include "json/write.h"
#include "settings/reader.h"

namespace tailgate::filters {

/// For tests: one filter made from its YAML options, and lines sent through it.
class FilterCase {
 public:
  explicit FilterCase(std::string_view name, const std::string& yaml = "{}") {
    const auto entries = table();
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const FilterEntry& each) { return each.name == name; });
    REQUIRE(entry != entries.end());
    settings::Problems problems;
    const settings::Node node = settings::read_text(
        yaml, "test.yaml", [](const std::string&) { return std::nullopt; }, problems);
    filter_ = entry->make(settings::Section(node, entry->options, problems));
    problems_ = problems.text();
    warnings_ = problems.warnings();
  }

  /// The line that leaves; `dropped`, or `error: …`.
  std::string operator()(std::string_view line) {
    json::Event event(arena_);
    const std::string padded = std::string(line) + std::string(json::kPadding, '\0');
    const auto parsed = parser_.parse(std::string_view(padded).substr(0, line.size()), event);
    REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().what));
    const auto verdict = filter_->apply(event);
    last_.clear();
    json::write(event, last_);
    arena_.reset();
    if (!verdict) return "error: " + verdict.error().what;
    return *verdict == Verdict::keep ? last_ : "dropped";
  }

  /// The event as the last call left it, also after an error.
  [[nodiscard]] const std::string& left() const { return last_; }
  [[nodiscard]] const Filter& filter() const { return *filter_; }
  [[nodiscard]] const std::string& problems() const { return problems_; }
  [[nodiscard]] const std::string& warnings() const { return warnings_; }
  [[nodiscard]] std::uint64_t counted(std::string_view name) const {
    for (const FilterCounter& each : filter_->counters()) {
      if (each.name == name) return each.counter->value();
    }
    FAIL("the filter counts no ", name);
    return 0;
  }

 private:
  json::Arena arena_;
  json::Parser parser_;
  std::unique_ptr<Filter> filter_;
  std::string problems_;
  std::string warnings_;
  std::string last_;
};

}  // namespace tailgate::filters
