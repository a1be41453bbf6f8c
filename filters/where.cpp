// SPDX-License-Identifier: Apache-2.0
// where: keeps the events that match a condition and drops the others, counted as filtered.
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/condition.h"
#include "core/filter.h"

namespace tailgate::filters {
namespace {

class Where final : public Filter {
 public:
  explicit Where(Condition condition)
      : condition_(std::move(condition)), paths_(condition_.paths()) {}

  Result<Verdict> apply(json::Event& event) override {
    return condition_.matches(event) ? Verdict::keep : Verdict::drop;
  }

  [[nodiscard]] Reach reach() const override { return Reach::marked; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    for (const json::Path& path : paths_) plan.read = plan.read || path.meets(plan.path);
    return true;
  }

 private:
  Condition condition_;
  std::vector<json::Path> paths_;
};

constexpr std::array kOptions = {
    settings::Option{.name = "condition",
                     .type = settings::Type::condition,
                     .summary = "Events that match go on; the others are dropped.",
                     .required = true},
};

std::unique_ptr<Filter> make(const settings::Section& options) {
  if (!options.given("condition")) return nullptr;
  auto condition = Condition::parse(options.text("condition"));
  if (!condition.has_value()) {
    options.problem("condition", condition.error().what);
    return nullptr;
  }
  return std::make_unique<Where>(std::move(*condition));
}

}  // namespace

extern const FilterEntry kWhereFilter;
const FilterEntry kWhereFilter{"where", "Keeps the events that match a condition.", kOptions, make};

}  // namespace tailgate::filters
