// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "core/filter.h"

namespace tailgate::filters {
namespace {

using json::Container;
using json::Kind;
using json::Member;

constexpr std::array<settings::Option, 4> kOptions{{
    {"dashes", settings::Type::boolean, "false",
     "Also drop the string \"-\", which Envoy writes for a missing value."},
    {"empty_strings", settings::Type::boolean, "false", "Also drop \"\"."},
    {"empty_containers", settings::Type::boolean, "false",
     "Also drop objects and arrays that were empty before."},
    {"arrays", settings::Type::boolean, "false",
     "Drop such elements of arrays too: those behind them move up."},
}};

/// Drops nulls at every depth, and the objects and arrays that became empty by it. A container in which nothing was
/// dropped is not marked as changed: it leaves byte for byte.
class DropNulls final : public Filter {
 public:
  explicit DropNulls(const settings::Section& options)
      : dashes_(options.flag("dashes")),
        empty_strings_(options.flag("empty_strings")),
        empty_containers_(options.flag("empty_containers")),
        arrays_(options.flag("arrays")) {}

  Result<Verdict> apply(json::Event& event) override {
    arena_ = &event.arena();
    sweep(event.root(), true);
    return Verdict::keep;
  }

  /// Values that are containers may hold nulls: the plan speaks of the others.
  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    plan.drop_null = true;
    plan.drop_dash = plan.drop_dash || dashes_;
    plan.drop_empty_text = plan.drop_empty_text || empty_strings_;
    return !empty_containers_;
  }

 private:
  /// Drops what is inside; marks the container when anything was, at any depth. Nesting is as deep as the parser allows.
  void sweep(Container& items, bool scalars) {
    Member* before = nullptr;
    for (Member* member = items.first; member != nullptr; member = member->next) {
      const json::Value& value = member->value;
      bool drop = false;
      if (value.is_container()) {
        drop = value.items->size == 0 ? empty_containers_ : emptied(value);
        items.changed = items.changed || value.items->changed;
      } else {
        drop = scalars && unwanted(value);
      }
      if (drop) {
        items.remove(before, member);
      } else {
        before = member;
      }
    }
  }

  bool emptied(const json::Value& value) {
    sweep(*value.items, value.kind == Kind::object || arrays_);
    return value.items->size == 0;
  }

  [[nodiscard]] bool unwanted(const json::Value& value) const {
    if (value.kind == Kind::null) return true;
    if (value.kind != Kind::string || !(dashes_ || empty_strings_)) return false;
    // "-" takes three bytes, and eight at most when it is escaped.
    if (value.raw.size() > 8) return false;
    const std::string_view text = json::text_of(value, *arena_);
    return (empty_strings_ && text.empty()) || (dashes_ && text == "-");
  }

  bool dashes_;
  bool empty_strings_;
  bool empty_containers_;
  bool arrays_;
  json::Arena* arena_ = nullptr;
};

}  // namespace

extern const FilterEntry kDropNullsFilter;
const FilterEntry kDropNullsFilter{
    "drop_nulls", "Drops nulls at every depth, and containers that became empty by it.", kOptions,
    [](const settings::Section& options) -> std::unique_ptr<Filter> {
      return std::make_unique<DropNulls>(options);
    }};

}  // namespace tailgate::filters
