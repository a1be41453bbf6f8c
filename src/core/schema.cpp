// SPDX-License-Identifier: Apache-2.0
#include "core/schema.h"

#include <algorithm>

#include "core/schema_graph.h"
#include "settings/reader.h"

namespace tailgate {
namespace {

// A nesting deeper than that is no log's; it bounds what a hostile key can build with a recursive
// schema.
constexpr std::size_t kMaxLevels = 64;
constexpr int kMaxSteps = 10'000;

class Splitter {
 public:
  explicit Splitter(std::string_view separator) : separator_(separator) {}

  bool walk(const Schema::Node& node, std::string_view rest) {
    if (rest.empty() || names.size() >= kMaxLevels || --steps_ < 0) return false;
    for (const Schema::Property& property : node.properties) {
      if (property.name.empty() || !rest.starts_with(property.name)) continue;
      names.push_back(rest.substr(0, property.name.size()));
      const std::string_view after = rest.substr(property.name.size());
      if (after.empty()) return true;
      if (after.starts_with(separator_) && walk(*property.node, after.substr(separator_.size()))) {
        return true;
      }
      names.pop_back();
    }
    // A separator with nothing on one side of it is no place to split.
    if (node.additional == nullptr || rest.starts_with(separator_)) return false;
    if (rest.ends_with(separator_)) return false;
    names.push_back(rest);
    return true;
  }

  std::vector<std::string_view> names;

 private:
  std::string_view separator_;
  int steps_ = kMaxSteps;
};

}  // namespace

const Schema::Property* Schema::Node::property(std::string_view name) const {
  const auto found = std::find_if(properties.begin(), properties.end(),
                                  [&](const Property& p) { return p.name == name; });
  return found == properties.end() ? nullptr : &*found;
}

const Schema::Node* Schema::Node::member(std::string_view name) const {
  const Property* found = property(name);
  return found == nullptr ? additional : found->node;
}

std::optional<Schema> Schema::load(const std::string& file, settings::Problems& problems) {
  const settings::Node document = settings::read_plain_file(file, problems);
  if (!document.given()) {
    if (!problems.any()) problems.add({file, 0, 0}, "the schema is empty");
    return std::nullopt;
  }
  return from(document, problems);
}

std::optional<Schema> Schema::from(const settings::Node& document, settings::Problems& problems) {
  auto graph = std::make_shared<Graph>();
  if (!graph->compile(document, problems)) return std::nullopt;
  return Schema(std::move(graph));
}

const Schema::Node& Schema::root() const {
  return *graph_->root;
}

const Schema::Node* Schema::at(const json::Path& path) const {
  const Node* node = graph_->root;
  for (const json::Path::Segment& segment : path.segments()) {
    node = segment.index >= 0 ? node->items : node->member(segment.name);
    if (node == nullptr) return nullptr;
  }
  return node;
}

std::vector<std::string_view> Schema::split(std::string_view key,
                                            std::string_view separator) const {
  Splitter splitter(separator);
  if (!splitter.walk(*graph_->root, key)) return {};
  return std::move(splitter.names);
}

}  // namespace tailgate
