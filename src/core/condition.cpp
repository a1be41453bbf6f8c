// SPDX-License-Identifier: Apache-2.0
#include "core/condition.h"

#include <algorithm>
#include <compare>

#include "core/condition_node.h"
#include "core/decimal.h"
#include "json/parse.h"

namespace tailgate {
namespace {

using json::Kind;

// One side of a comparison for one event. `text` is a string's decoded content or a scalar's
// lexeme.
struct Side {
  bool there = false;
  bool constant = false;
  Kind kind = Kind::null;
  std::string_view text;
};

Side side_of(const Operand& operand, const json::Event& event) {
  if (!operand.is_path) return {true, true, operand.kind, operand.text};
  const json::Value* value = event.find(operand.path);
  if (value == nullptr) return {};
  if (value->kind == Kind::string) {
    return {true, false, Kind::string, json::text_of(*value, event.arena())};
  }
  return {true, false, value->kind, value->raw};
}

// Envoy writes many numbers as strings, so a number in a condition also means the string that is
// this number.
bool both_numbers(const Side& left, const Side& right) {
  if (left.kind == Kind::number && right.kind == Kind::number) return true;
  const auto meant = [](const Side& number, const Side& text) {
    return number.constant && number.kind == Kind::number && text.kind == Kind::string &&
           json::is_number(text.text);
  };
  return meant(left, right) || meant(right, left);
}

std::partial_ordering order(const Side& left, const Side& right) {
  if (!left.there || !right.there) return std::partial_ordering::unordered;
  if (both_numbers(left, right)) {
    // Most numbers are written the same way: then no arithmetic is needed.
    if (left.text == right.text) return std::partial_ordering::equivalent;
    return compare_numbers(left.text, right.text);
  }
  if (left.kind == Kind::string && right.kind == Kind::string) return left.text <=> right.text;
  return std::partial_ordering::unordered;
}

bool equal(const Side& left, const Side& right) {
  if (!left.there || !right.there) return false;
  if (left.kind == Kind::null && right.kind == Kind::null) return true;
  if (left.kind == Kind::boolean && right.kind == Kind::boolean) return left.text == right.text;
  return order(left, right) == std::partial_ordering::equivalent;
}

bool found(const RE2& pattern, const Side& side) {
  if (!side.there || (side.kind != Kind::string && side.kind != Kind::number)) return false;
  return RE2::PartialMatch(re2::StringPiece(side.text.data(), side.text.size()), pattern);
}

bool holds(const Condition::Node& node, const json::Event& event) {
  using What = Condition::Node::What;
  const auto child_holds = [&](const auto& child) { return holds(*child, event); };
  switch (node.what) {
    case What::all:
      return std::all_of(node.children.begin(), node.children.end(), child_holds);
    case What::any:
      return std::any_of(node.children.begin(), node.children.end(), child_holds);
    case What::negation:
      return !holds(*node.children.front(), event);
    case What::exists:
      return event.find(node.left.path) != nullptr;
    case What::matches:
      return found(*node.pattern, side_of(node.left, event));
    case What::one_of: {
      const Side left = side_of(node.left, event);
      return left.there && std::any_of(node.list.begin(), node.list.end(), [&](const Operand& one) {
               return equal(left, side_of(one, event));
             });
    }
    case What::equal:
      return equal(side_of(node.left, event), side_of(node.right, event));
    case What::less:
      return order(side_of(node.left, event), side_of(node.right, event)) < 0;
    case What::less_equal:
      return order(side_of(node.left, event), side_of(node.right, event)) <= 0;
  }
  return false;
}

void collect(const Condition::Node& node, std::vector<json::Path>& paths) {
  for (const Operand* operand : {&node.left, &node.right}) {
    if (operand->is_path) paths.push_back(operand->path);
  }
  for (const auto& child : node.children) collect(*child, paths);
}

}  // namespace

bool Condition::matches(const json::Event& event) const {
  return holds(*root_, event);
}

std::vector<json::Path> Condition::paths() const {
  std::vector<json::Path> paths;
  collect(*root_, paths);
  return paths;
}

}  // namespace tailgate
