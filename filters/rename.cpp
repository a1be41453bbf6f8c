// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "core/filter.h"
#include "filters/paths.h"

namespace tailgate::filters {
namespace {

using json::Container;
using json::Member;
using settings::Node;
using settings::Option;
using settings::Type;

constexpr Option kOptions[] = {
    {.name = settings::kAnyKey,
     .type = Type::path,
     .summary = "From this path to that one. All renames see the event as it was, so two may swap. "
                "A value at the new place is replaced; objects that became empty go; where a value "
                "that is no object stands on the way, the field stays where it was, counted."}};

struct Move {
  json::Path from;
  json::Path to;
  bool same_parent = false;  // then the member keeps its place among its siblings
};

// What a move found in the event at hand.
struct Found {
  Container* container = nullptr;  // that holds `member`; for a move within it
  Member* member = nullptr;
  std::optional<json::Value> value;  // taken out; for other moves
};

bool have_same_parent(const json::Path& left, const json::Path& right) {
  const auto& a = left.segments();
  const auto& b = right.segments();
  return a.size() == b.size() && std::equal(a.begin(), a.end() - 1, b.begin());
}

Found find_member(json::Event& event, const json::Path& path) {
  if (event.find(path) == nullptr) return {};
  Found found;
  Container* container = &event.root();
  for (const auto& segment : path.segments()) {
    container->changed = true;
    found.container = container;
    found.member = container->find(segment.name);
    container = found.member->value.items;
  }
  return found;
}

void remove_others(Container& container, const Member& stays) {
  Member* before = nullptr;
  for (Member* member = container.first; member != nullptr; member = member->next) {
    if (member != &stays && member->name == stays.name) {
      container.remove(before, member);
    } else {
      before = member;
    }
  }
}

class Rename final : public Filter {
 public:
  explicit Rename(std::vector<Move> moves) : moves_(std::move(moves)), found_(moves_.size()) {}

  Result<Verdict> apply(json::Event& event) override {
    for (std::size_t i = 0; i < moves_.size(); ++i) {
      found_[i] = moves_[i].same_parent ? find_member(event, moves_[i].from)
                                        : Found{.value = take_out(event, moves_[i].from)};
    }
    rename_in_place(event.arena());
    for (std::size_t i = 0; i < moves_.size(); ++i) {
      if (!found_[i].value || event.set(moves_[i].to, *found_[i].value)) continue;
      blocked_.add();
      if (event.set(moves_[i].from, *found_[i].value)) continue;
      return fail(fmt::format("rename cannot move {} to {}: a value stands on the way",
                              moves_[i].from.text(), moves_[i].to.text()));
    }
    return Verdict::keep;
  }

  // Only renames among siblings have one: others change where in the event a field stands.
  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    for (const Move& move : moves_) {
      if (!move.same_parent || (move.from.within(plan.path) && !plan.path.within(move.from))) {
        return false;
      }
    }
    for (const Move& move : moves_) {
      if (!plan.path.within(move.from)) continue;
      std::vector<std::string_view> names;
      for (const auto& segment : move.to.segments()) names.push_back(segment.name);
      const auto& segments = plan.path.segments();
      for (std::size_t i = move.from.segments().size(); i < segments.size(); ++i) {
        if (segments[i].index >= 0) return false;
        names.push_back(segments[i].name);
      }
      plan.path = json::Path::of(names);
      return true;
    }
    return true;
  }

  [[nodiscard]] std::vector<FilterCounter> counters() const override {
    return {{"rename_blocked", &blocked_}};
  }

 private:
  void rename_in_place(json::Arena& arena) {
    for (std::size_t i = 0; i < moves_.size(); ++i) {
      if (found_[i].member == nullptr) continue;
      const auto& segment = moves_[i].to.segments().back();
      found_[i].member->name = arena.copy(segment.name);
      found_[i].member->key = arena.copy(segment.key);
    }
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (found_[i].member != nullptr && !replaced_later(i)) {
        remove_others(*found_[i].container, *found_[i].member);
      }
    }
  }

  // Of several that move to one place the last one stays.
  [[nodiscard]] bool replaced_later(std::size_t i) const {
    for (std::size_t j = i + 1; j < found_.size(); ++j) {
      if (found_[j].member != nullptr && found_[j].container == found_[i].container &&
          found_[j].member->name == found_[i].member->name) {
        return true;
      }
    }
    return false;
  }

  const std::vector<Move> moves_;
  std::vector<Found> found_;
  metrics::Counter blocked_;
};

bool has_index(const json::Path& path) {
  return std::any_of(path.segments().begin(), path.segments().end(),
                     [](const auto& segment) { return segment.index >= 0; });
}

std::optional<json::Path> read_name(const Node& node, settings::Problems& problems) {
  auto path = read_path(node, problems);
  if (!path || !has_index(*path)) return path;
  problems.add(node, "rename does not reach into arrays");
  return std::nullopt;
}

std::unique_ptr<Filter> make(const settings::Section& options) {
  std::vector<Move> moves;
  settings::Problems& problems = options.problems();
  for (const auto& [key, value] : options.self().members()) {
    auto from = read_name(key, problems);
    if (!value.given()) problems.add(value, "a new name is missing");
    auto to = value.is_scalar() ? read_name(value, problems) : std::nullopt;
    if (!from || !to) continue;
    for (const Move& other : moves) {
      if (from->within(other.from) || other.from.within(*from)) {
        problems.add(key, fmt::format("{} is renamed already", other.from.text()));
      }
    }
    const bool same_parent = have_same_parent(*from, *to);
    moves.push_back({std::move(*from), std::move(*to), same_parent});
  }
  if (options.self().members().empty()) problems.add(options.self(), "names no path");
  return std::make_unique<Rename>(std::move(moves));
}

}  // namespace

extern const FilterEntry kRenameFilter;
const FilterEntry kRenameFilter{"rename", "Gives fields another name or place.", kOptions, make};

}  // namespace tailgate::filters
