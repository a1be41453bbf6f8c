// SPDX-License-Identifier: Apache-2.0
#include "core/filter.h"
#include "filters/paths.h"

namespace tailgate::filters {
namespace {

using json::Container;
using json::Kind;
using json::Member;
using settings::Option;
using settings::Type;

constexpr Option kOptions[] = {{.name = "paths",
                                .type = Type::text_or_list,
                                .summary = "What stays; everything else goes.",
                                .required = true}};

// The paths as a tree: what stays of one object or array.
struct Kept {
  json::Path::Segment segment;
  bool whole = false;
  std::vector<Kept> inside;

  void add(const json::Path& path, std::size_t at) {
    if (at == path.segments().size()) {
      whole = true;
      return;
    }
    for (Kept& one : inside) {
      if (one.segment == path.segments()[at]) return one.add(path, at + 1);
    }
    inside.push_back({path.segments()[at], false, {}});
    inside.back().add(path, at + 1);
  }

  [[nodiscard]] const Kept* find(const Member& member, std::int64_t position, Kind kind) const {
    for (const Kept& one : inside) {
      const bool index = one.segment.index >= 0;
      if (index != (kind == Kind::array)) continue;
      if (index ? one.segment.index == position : one.segment.name == member.name) return &one;
    }
    return nullptr;
  }
};

// True when anything was taken out. Objects and arrays of which nothing stays go too.
bool reduce(Container& container, Kind kind, const Kept& kept) {
  Member* before = nullptr;
  Member* next = nullptr;
  std::int64_t position = 0;
  for (Member* member = container.first; member != nullptr; member = next) {
    next = member->next;
    const Kept* stays = kept.find(*member, position++, kind);
    json::Value& value = member->value;
    if (stays != nullptr && !stays->whole && value.items != nullptr) {
      if (reduce(*value.items, value.kind, *stays)) container.changed = true;
      if (value.items->size == 0) stays = nullptr;
    } else if (stays != nullptr && !stays->whole) {
      stays = nullptr;
    }
    if (stays != nullptr) {
      before = member;
    } else {
      container.remove(before, member);
    }
  }
  return container.changed;
}

class Keep final : public Filter {
 public:
  explicit Keep(std::vector<json::Path> paths) : paths_(std::move(paths)) {
    for (const json::Path& path : paths_) kept_.add(path, 0);
  }

  Result<Verdict> apply(json::Event& event) override {
    reduce(event.root(), Kind::object, kept_);
    return Verdict::keep;
  }

  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    bool inside = false;
    for (const json::Path& path : paths_) {
      if (plan.path.within(path)) return true;
      inside = inside || path.within(plan.path);
    }
    if (!inside) plan.removed = true;
    return !inside;
  }

 private:
  std::vector<json::Path> paths_;
  Kept kept_;
};

}  // namespace

extern const FilterEntry kKeepFilter;
const FilterEntry kKeepFilter{"keep", "Keeps only some fields.", kOptions,
                              [](const settings::Section& options) -> std::unique_ptr<Filter> {
                                return std::make_unique<Keep>(read_paths(options, "paths"));
                              }};

}  // namespace tailgate::filters
