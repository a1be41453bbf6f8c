// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/filter.h"
#include "json/parse.h"
#include "json/write.h"
#include "settings/reader.h"

namespace tailgate::filters {

/// For tests: one filter, built from YAML as the settings file holds it. Wrong use throws, which
/// fails the test.
class FilterFixture {
 public:
  explicit FilterFixture(const FilterEntry& entry, const std::string& yaml = "{}") {
    const auto none = [](const std::string&) { return std::optional<std::string>(); };
    const settings::Node node = settings::read_text(yaml, "t.yaml", none, problems_);
    const settings::Section section(node, entry.options, problems_);
    filter_ = entry.make(section);
    must(filter_ != nullptr || problems_.any(), "neither a filter nor a problem");
  }

  /// What is wrong with the settings.
  [[nodiscard]] std::string problems() const { return problems_.text(); }
  [[nodiscard]] std::string warnings() const { return problems_.warnings(); }

  /// The line as the filter leaves it; or `drop`; or `error: ` and the reason.
  std::string operator()(const std::string& line, const json::Origin& origin = {}) {
    must(!problems_.any(), problems_.text());
    arena_.reset();
    json::Event event(arena_);
    event.origin = origin;
    const std::string padded = line + std::string(json::kPadding, ' ');
    const auto parsed = parser_.parse(std::string_view(padded).substr(0, line.size()), event);
    must(parsed.has_value(), "not JSON: " + line);
    const Result<Verdict> verdict = filter_->apply(event);
    left_.clear();
    json::write(event, left_);
    if (!verdict) return "error: " + verdict.error().what;
    return *verdict == Verdict::drop ? "drop" : left_;
  }
  /// The event as the filter left it, also after an error.
  [[nodiscard]] const std::string& left() const { return left_; }

  /// Where the value at this flat key leaves by the filter's rule; `removed`; or `depends` when there is no rule for it.
  std::string rule(std::string_view path) {
    KeyPlan plan = this->plan(path);
    if (!filter_->rule(plan)) return "depends";
    return plan.removed ? "removed" : plan.path.text();
  }

  static KeyPlan plan(std::string_view path) {
    KeyPlan plan;
    plan.path = *json::Path::parse(path);
    return plan;
  }

  [[nodiscard]] std::uint64_t counter(std::string_view name) const {
    for (const FilterCounter& one : filter_->counters()) {
      if (one.name == name) return one.counter->value();
    }
    throw std::logic_error("the filter has no such counter");
  }

  Filter& filter() { return *filter_; }

 private:
  static void must(bool good, const std::string& what) {
    if (!good) throw std::logic_error(what);
  }

  settings::Problems problems_;
  std::unique_ptr<Filter> filter_;
  json::Arena arena_;
  json::Parser parser_;
  std::string left_;
};

}  // namespace tailgate::filters
