// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <deque>
#include <optional>
#include <vector>

#include "core/filter.h"
#include "core/template.h"
#include "filters/paths.h"
#include "json/parse.h"
#include "json/write.h"

namespace tailgate::filters {
namespace {

using settings::Node;
using settings::Option;
using settings::Type;

constexpr Option kOptions[] = {{.name = settings::kAnyKey,
                                .type = Type::any,
                                .summary = "A path and what stands there afterwards: a text, a "
                                           "number, true, false or null; quoted values stay "
                                           "texts. A text may hold fields, as in \"{http.method} "
                                           "{path|unknown}\"; when one without a default is "
                                           "missing, nothing is set."}};

struct Assignment {
  json::Path path;
  std::string raw;  // as JSON writes it; what events point to, so it stays where it is
  json::Kind kind = json::Kind::null;
  std::optional<Template> text;   // instead, for a text with fields
  std::vector<json::Path> reads;  // those fields
};

class Set final : public Filter {
 public:
  explicit Set(std::deque<Assignment> assignments) : assignments_(std::move(assignments)) {}

  Result<Verdict> apply(json::Event& event) override {
    for (const Assignment& one : assignments_) {
      json::Value value{one.kind, one.raw, nullptr};
      if (one.text) {
        buffer_.clear();
        if (!one.text->expand(event, buffer_)) continue;
        value = json::string_value(buffer_, event.arena());
      }
      if (!event.set(one.path, value)) {
        return fail(fmt::format("set cannot make {}: what stands on the way is not an object",
                                one.path.text()));
      }
    }
    return Verdict::keep;
  }

  [[nodiscard]] Reach reach() const override { return Reach::marked; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    for (const Assignment& one : assignments_) {
      // What stands beside the target says whether there is an object to put it into.
      plan.read = plan.read || plan.path.segments().front() == one.path.segments().front();
      for (const json::Path& path : one.reads) plan.read = plan.read || path.meets(plan.path);
    }
    return true;
  }

 private:
  const std::deque<Assignment> assignments_;
  std::string buffer_;
};

void read_text(const Node& node, settings::Problems& problems, Assignment& out) {
  auto text = Template::parse(node.text());
  if (!text) {
    problems.add(node, text.error().what);
    return;
  }
  if (!text->constant()) {
    out.reads = text->paths();
    out.text = std::move(*text);
    return;
  }
  json::Arena arena;
  std::string plain;
  (void)text->expand(json::Event(arena), plain);
  json::write_string(plain, out.raw);
  out.kind = json::Kind::string;
}

void read_value(const Node& node, settings::Problems& problems, Assignment& out) {
  const bool plain = !node.quoted();
  if (node.is_map() || node.is_list()) {
    problems.add(
        node, "a text, a number, true, false or null belongs here; a text with {fields} is quoted");
  } else if (!node.is_scalar()) {
    out.raw = "null";
  } else if (plain && (node.text() == "true" || node.text() == "false")) {
    out.raw = node.text();
    out.kind = json::Kind::boolean;
  } else if (plain && json::is_number(node.text())) {
    out.raw = node.text();
    out.kind = json::Kind::number;
  } else {
    read_text(node, problems, out);
  }
}

std::unique_ptr<Filter> make(const settings::Section& options) {
  std::deque<Assignment> assignments;
  for (const auto& [key, value] : options.self().members()) {
    Assignment one;
    read_value(value, options.problems(), one);
    auto path = read_path(key, options.problems());
    if (!path) continue;
    one.path = std::move(*path);
    assignments.push_back(std::move(one));
  }
  if (options.self().members().empty()) options.problems().add(options.self(), "names no path");
  return std::make_unique<Set>(std::move(assignments));
}

}  // namespace

extern const FilterEntry kSetFilter;
const FilterEntry kSetFilter{"set", "Sets fields to constants or to texts made of other fields.",
                             kOptions, make};

}  // namespace tailgate::filters
