// SPDX-License-Identifier: Apache-2.0
#include "filters/convert.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/decimal.h"
#include "core/schema.h"
#include "filters/paths.h"
#include "json/parse.h"
#include "settings/readable_file.h"

namespace tailgate::filters {
namespace {

using json::Kind;
using json::Value;
using settings::Option;
using settings::Type;
using To = KeyPlan::Convert;

constexpr Option kOptions[] = {{.name = "schema",
                                .type = Type::text,
                                .summary = "A JSON Schema (YAML or JSON file) that says the types; "
                                           "a field that it gives several scalar types "
                                           "stays as it is."},
                               {.name = "types",
                                .type = Type::text_map,
                                .summary = "Instead: path to integer, number, boolean or string. "
                                           "What does not convert stays, counted."}};

std::optional<To> type_named(std::string_view name) {
  if (name == "integer") return To::integer;
  if (name == "number") return To::number;
  if (name == "boolean") return To::boolean;
  if (name == "string") return To::string;
  return std::nullopt;
}

// The one scalar type that a schema allows here; none when there are several.
To type_of(const Schema::Node& node) {
  switch (node.types & ~(Schema::kNull | Schema::kObject | Schema::kArray)) {
    case Schema::kInteger:
      return To::integer;
    case Schema::kNumber:
    case Schema::kNumber | Schema::kInteger:
      return To::number;
    case Schema::kBoolean:
      return To::boolean;
    case Schema::kString:
      return To::string;
    default:
      return To::none;
  }
}

bool reads_as(std::string_view text, To to) {
  if (to == To::boolean) return text == "true" || text == "false";
  if (!json::is_number(text)) return false;
  return to == To::number || text.find_first_of(".eE") == std::string_view::npos;
}

Value in_quotes(std::string_view lexeme, json::Arena& arena) {
  char* out = arena.bytes(lexeme.size() + 2);
  out[0] = '"';
  lexeme.copy(out + 1, lexeme.size());
  out[lexeme.size() + 1] = '"';
  return {Kind::string, {out, lexeme.size() + 2}, nullptr};
}

class Convert : public Filter {
 public:
  [[nodiscard]] std::vector<FilterCounter> counters() const override {
    return {{"convert_failed", &failed_}};
  }

 protected:
  // True when the value is another one now.
  bool change(Value& value, To to, json::Arena& arena) {
    const Converted converted = convert(value, to, arena);
    if (converted == Converted::failed) failed_.add();
    return converted == Converted::done;
  }

 private:
  metrics::Counter failed_;
};

bool plan_conversion(KeyPlan& plan, To to) {
  if (to == To::none) return true;
  if (plan.convert != To::none && plan.convert != to) return false;
  plan.convert = to;
  return true;
}

class ConvertPaths final : public Convert {
 public:
  explicit ConvertPaths(std::vector<std::pair<json::Path, To>> types) : types_(std::move(types)) {}

  Result<Verdict> apply(json::Event& event) override {
    for (const auto& [path, to] : types_) {
      const Value* found = event.find(path);
      if (found == nullptr) continue;
      Value value = *found;
      if (change(value, to, event.arena())) *event.find_to_change(path) = value;
    }
    return Verdict::keep;
  }

  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    for (const auto& [path, to] : types_) {
      if (plan.path == path) return plan_conversion(plan, to);
      if (path.meets(plan.path))
        return false;  // an object does not convert, and what it holds is not known here
    }
    return true;
  }

 private:
  const std::vector<std::pair<json::Path, To>> types_;
};

class ConvertBySchema final : public Convert {
 public:
  explicit ConvertBySchema(Schema schema) : schema_(std::move(schema)) {}

  Result<Verdict> apply(json::Event& event) override {
    change_inside(event.root(), Kind::object, schema_.root(), event.arena());
    return Verdict::keep;
  }

  [[nodiscard]] Reach reach() const override { return Reach::keys; }
  [[nodiscard]] bool rule(KeyPlan& plan) override {
    const Schema::Node* node = schema_.at(plan.path);
    if (node == nullptr) return true;
    // What an object or array holds is not known from the key.
    if (!node->properties.empty() || node->additional != nullptr || node->items != nullptr) {
      return false;
    }
    return plan_conversion(plan, type_of(*node));
  }

 private:
  // Recursion ends with the event's own nesting, which the parser limits.
  bool change_inside(json::Container& container, Kind kind, const Schema::Node& node,
                     json::Arena& arena) {
    bool changed = false;
    for (json::Member* member = container.first; member != nullptr; member = member->next) {
      const Schema::Node* inner = kind == Kind::object ? node.member(member->name) : node.items;
      if (inner == nullptr) continue;
      Value& value = member->value;
      const bool inside_changed =
          value.items != nullptr && change_inside(*value.items, value.kind, *inner, arena);
      const bool itself_changed = value.items == nullptr && change(value, type_of(*inner), arena);
      changed = changed || inside_changed || itself_changed;
    }
    if (changed) container.changed = true;
    return changed;
  }

  const Schema schema_;
};

std::vector<std::pair<json::Path, To>> read_types(const settings::Section& options) {
  std::vector<std::pair<json::Path, To>> types;
  const settings::Node node = options.node("types");
  for (const auto& [key, value] : node.members()) {
    auto path = read_path(key, options.problems());
    const auto to = type_named(value.text());
    if (value.is_scalar() && !to) {
      options.problems().add(
          value, fmt::format("\"{}\" is none of integer, number, boolean, string", value.text()));
    }
    if (path && to) types.emplace_back(std::move(*path), *to);
  }
  return types;
}

std::unique_ptr<Filter> make(const settings::Section& options) {
  if (options.given("schema") == options.given("types")) {
    options.problems().add(options.self(), "convert needs either schema or types");
    return nullptr;
  }
  if (options.given("types")) return std::make_unique<ConvertPaths>(read_types(options));
  const std::string file = settings::readable_file(options, "schema");
  if (file.empty()) return nullptr;
  auto schema = Schema::load(file, options.problems());
  if (!schema) return nullptr;
  return std::make_unique<ConvertBySchema>(std::move(*schema));
}

}  // namespace

Converted convert(Value& value, To to, json::Arena& arena) {
  if (to == To::none || value.kind == Kind::null) return Converted::unneeded;
  if (value.is_container()) return Converted::failed;
  if (to == To::string) {
    if (value.kind == Kind::string) return Converted::unneeded;
    value = in_quotes(value.raw, arena);
    return Converted::done;
  }
  if (value.kind != Kind::string) {
    const bool right =
        to == To::boolean ? value.kind == Kind::boolean
                          : value.kind == Kind::number && (to == To::number || is_whole(value.raw));
    return right ? Converted::unneeded : Converted::failed;
  }
  const std::string_view text = json::text_of(value, arena);
  if (!reads_as(text, to)) return Converted::failed;
  value = {to == To::boolean ? Kind::boolean : Kind::number, text, nullptr};
  return Converted::done;
}

extern const FilterEntry kConvertFilter;
const FilterEntry kConvertFilter{
    "convert", "Gives fields the type they stand for: the string \"0\" becomes the number 0.",
    kOptions, make};

}  // namespace tailgate::filters
