// SPDX-License-Identifier: Apache-2.0
#include "filters/paths.h"

#include <span>

namespace tailgate::filters {
namespace {

using json::Container;
using json::Kind;
using json::Member;
using Segments = std::span<const json::Path::Segment>;

bool is_it(const Member& member, std::int64_t position, Kind kind,
           const json::Path::Segment& segment) {
  if (segment.index >= 0) return kind == Kind::array && position == segment.index;
  return kind == Kind::object && member.name == segment.name;
}

std::optional<json::Value> take_from(Container& container, Kind kind, Segments rest) {
  Member* before = nullptr;
  std::int64_t position = 0;
  for (Member* member = container.first; member != nullptr;
       before = member, member = member->next) {
    if (!is_it(*member, position++, kind, rest.front())) continue;
    json::Value value = member->value;
    if (rest.size() == 1) {
      container.remove(before, member);
      return value;
    }
    if (value.items == nullptr) return std::nullopt;
    const std::optional<json::Value> taken = take_from(*value.items, value.kind, rest.subspan(1));
    if (!taken) return std::nullopt;
    container.changed = true;
    if (value.items->size == 0) container.remove(before, member);
    return taken;
  }
  return std::nullopt;
}

}  // namespace

std::optional<json::Path> read_path(const settings::Node& node, settings::Problems& problems) {
  auto path = json::Path::parse(node.text());
  if (path) return std::move(*path);
  problems.add(node, path.error().what);
  return std::nullopt;
}

std::vector<json::Path> read_paths(const settings::Section& options, std::string_view name) {
  std::vector<json::Path> paths;
  const settings::Node node = options.node(name);
  if (node.is_list() && node.items().empty()) options.problem(name, "names no path");
  const auto add = [&](const settings::Node& item) {
    if (!item.is_scalar()) return;  // the options' check said so
    if (auto path = read_path(item, options.problems())) paths.push_back(std::move(*path));
  };
  add(node);
  for (const settings::Node& item : node.items()) add(item);
  return paths;
}

std::optional<json::Value> take_out(json::Event& event, const json::Path& path) {
  if (path.empty()) return std::nullopt;
  return take_from(event.root(), Kind::object, path.segments());
}

}  // namespace tailgate::filters
