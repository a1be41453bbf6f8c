// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/filter.h"
#include "filters/paths.h"

namespace tailgate::filters {
namespace {

using settings::Option;
using settings::Type;

constexpr Option kOptions[] = {
    {.name = "paths",
     .type = Type::text_or_list,
     .summary = "What is taken out, with the objects that became empty by it.",
     .required = true}};

// Later elements of an array first: taking one out moves those behind it.
bool later_first(const json::Path& left, const json::Path& right) {
  const auto before = [](const json::Path::Segment& a, const json::Path::Segment& b) {
    return a.index != b.index ? a.index > b.index : a.name < b.name;
  };
  return std::lexicographical_compare(left.segments().begin(), left.segments().end(),
                                      right.segments().begin(), right.segments().end(), before);
}

class Remove final : public Filter {
 public:
  explicit Remove(std::vector<json::Path> paths) : paths_(std::move(paths)) {
    std::sort(paths_.begin(), paths_.end(), later_first);
  }

  Result<Verdict> apply(json::Event& event) override {
    for (const json::Path& path : paths_) take_out(event, path);
    return Verdict::keep;
  }

  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    for (const json::Path& path : paths_) {
      if (plan.path.within(path)) {
        plan.removed = true;
      } else if (path.within(plan.path)) {
        return false;  // something inside the value
      }
    }
    return true;
  }

 private:
  std::vector<json::Path> paths_;
};

}  // namespace

extern const FilterEntry kRemoveFilter;
const FilterEntry kRemoveFilter{"remove", "Takes fields out.", kOptions,
                                [](const settings::Section& options) -> std::unique_ptr<Filter> {
                                  return std::make_unique<Remove>(read_paths(options, "paths"));
                                }};

}  // namespace tailgate::filters
