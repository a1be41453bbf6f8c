// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <span>
#include <vector>

#include "core/filter.h"
#include "filters/key_split.h"
#include "filters/key_table.h"
#include "filters/nest.h"

namespace tailgate::filters {
namespace {

using json::Member;

constexpr std::array<settings::Option, 8> kOptions{{
    {"separator", settings::Type::text, ".", "What stands between the names in a flat key."},
    {"schema", settings::Type::text, "",
     "A JSON Schema (YAML or JSON) that says where a key may be split: the longest property first, "
     "then additionalProperties takes the rest of the key as one name. Without it every separator "
     "splits."},
    {"keys", settings::Type::text_map, "", "Flat keys with a path of their own: {flat: path}."},
    {"only", settings::Type::text_or_list, "", "Split only keys that begin with these names."},
    {"except", settings::Type::text_or_list, "", "Leave keys flat that begin with these names."},
    {"max_depth", settings::Type::integer, "64",
     "At most this many names; the rest of the key is the last one."},
    {"on_conflict", settings::Type::choice, "keep_flat",
     "What to do when something else stands in the way (a and a.b): leave the key flat, refuse the "
     "event, or let the later key win.",
     "keep_flat|error|overwrite"},
    {"arrays", settings::Type::boolean, "false",
     "Objects made from keys 0, 1, 2, … without a gap become arrays. Not with a schema."},
}};

enum class OnConflict { keep_flat, error, overwrite };

/// Turns flat keys into nested objects. Where no key splits, the event is not touched.
///
/// Top-level members that stay as they are take their places first (unless the later key shall
/// win), then the others find theirs in the order of the line. A key that finds its place taken is
/// a conflict, whichever came first.
class Unflatten final : public Filter {
 public:
  explicit Unflatten(const settings::Section& options)
      : table_(split_), nest_(table_, options.flag("arrays")), arrays_(options.flag("arrays")) {
    split_.read(options);
    if (arrays_ && options.given("schema")) {
      options.problem("arrays", "does not go with schema: a schema's arrays are not split");
    }
    const std::string choice = options.text("on_conflict");
    on_conflict_ = choice == "error"       ? OnConflict::error
                   : choice == "overwrite" ? OnConflict::overwrite
                                           : OnConflict::keep_flat;
  }

  Result<Verdict> apply(json::Event& event) override;
  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override;
  [[nodiscard]] std::vector<FilterCounter> counters() const override {
    return {{"conflicts", &conflicts_}, {"unplaced_keys", &unplaced_}};
  }

 private:
  struct Slot {
    Member* member;
    SplitPlan* plan;
  };
  static std::int64_t number(std::size_t position) { return static_cast<std::int64_t>(position); }
  Result<Verdict> rebuild(json::Event& event, std::span<const Slot> slots);
  Result<void> keep_flat(const Slot& slot, std::int64_t position);

  KeySplit split_;
  KeyTable table_;
  Nest nest_;
  OnConflict on_conflict_ = OnConflict::keep_flat;
  bool arrays_;
  metrics::Counter conflicts_;
  metrics::Counter unplaced_;
};

Result<Verdict> Unflatten::apply(json::Event& event) {
  if (table_.full()) table_.clear();
  const std::size_t size = event.root().size;
  auto* slots = static_cast<Slot*>(event.arena().allocate(size * sizeof(Slot), alignof(Slot)));
  bool splits = false;
  SplitPlan* plan = table_.head();
  Member* member = event.root().first;
  for (std::size_t i = 0; i < size; ++i, member = member->next) {
    plan = table_.plan(*member, plan);
    slots[i] = {member, plan};
    splits = splits || !plan->segments.empty();
    if (plan->unplaced) unplaced_.add();
  }
  if (!splits) return Verdict::keep;
  return rebuild(event, {slots, size});
}

Result<Verdict> Unflatten::rebuild(json::Event& event, std::span<const Slot> slots) {
  const bool overwrite = on_conflict_ == OnConflict::overwrite;
  const std::uint64_t replaced = nest_.replaced();
  nest_.begin(event);
  for (std::size_t i = 0; i < slots.size() && !overwrite; ++i) {
    if (slots[i].plan->segments.empty())
      nest_.reserve(*slots[i].plan->self, slots[i].member, number(i));
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    if (slot.plan->segments.empty()) {
      nest_.stay(*slot.plan->self, slot.member, number(i));
    } else if (nest_.move(*slot.plan, slot.member, number(i), overwrite) ==
               Nest::Outcome::conflict) {
      conflicts_.add();
      auto kept = keep_flat(slot, number(i));
      if (kept) continue;
      event.root().append(slot.member);
      // What follows stays in the event, for those who keep it all the same.
      for (const Slot& rest : slots.subspan(i + 1)) {
        if (!nest_.placed(*rest.plan->self, rest.member)) event.root().append(rest.member);
      }
      return tl::unexpected(kept.error());
    }
  }
  nest_.end();
  if (nest_.replaced() != replaced) conflicts_.add(nest_.replaced() - replaced);
  return Verdict::keep;
}

/// The member's place, or one on the way to it, is taken.
Result<void> Unflatten::keep_flat(const Slot& slot, std::int64_t position) {
  if (on_conflict_ == OnConflict::error) {
    return fail(
        fmt::format("unflatten: the key \"{}\" does not fit beside the others: its place, or "
                    "one on the way to it, is taken",
                    slot.member->name));
  }
  if (nest_.taken(*slot.plan->self)) {
    return fail(
        fmt::format("unflatten: the key \"{}\" can neither be split nor stay: both places "
                    "are taken",
                    slot.member->name));
  }
  nest_.stay(*slot.plan->self, slot.member, position);
  return {};
}

bool Unflatten::rule(KeyPlan& plan) {
  const auto& segments = plan.path.segments();
  if (arrays_ || segments.empty() || segments.front().index >= 0) return false;
  // A member that a filter before has put inside another is none of ours, unless that other one's
  // key splits.
  const KeySplit::Answer answer = split_.split(segments.front().name);
  if (answer.unplaced) {
    if (plan.counted != nullptr) return false;
    plan.counted = &unplaced_;
  }
  if (answer.given == nullptr && answer.names.empty()) return true;
  if (segments.size() > 1) return false;
  plan.path = answer.given != nullptr ? *answer.given : json::Path::of(answer.names);
  return true;
}

}  // namespace

extern const FilterEntry kUnflattenFilter;
const FilterEntry kUnflattenFilter{"unflatten", "Turns flat keys (a.b.c) into nested objects.",
                                   kOptions,
                                   [](const settings::Section& options) -> std::unique_ptr<Filter> {
                                     return std::make_unique<Unflatten>(options);
                                   }};

}  // namespace tailgate::filters
