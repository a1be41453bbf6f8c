// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/node.h"

namespace tailgate::settings {

/// A value as it stands in the text: before paths, substitution and the checks of keys. Aliases
/// share what they name, so the tree is a graph without cycles.
struct Raw {
  Node::Kind kind = Node::Kind::null;
  std::string text;
  bool quoted = false;
  int line = 0;     // 1-based
  int column = 0;   // 1-based, in characters
  std::string tag;  // a tag other than !!str, such as `!(a)`
  std::vector<std::pair<std::shared_ptr<Raw>, std::shared_ptr<Raw>>> members;
  std::vector<std::shared_ptr<Raw>> items;
};

/// One YAML document; nullptr when there is none or its syntax is wrong (then `problems` has grown and
/// `broken`, when given, is set).
std::shared_ptr<Raw> read_yaml(const std::string& text, const std::string& file, Problems& problems,
                               bool* broken = nullptr);
/// One JSON text by RFC 8259, or nullptr: then it is YAML or wrong. YAML readers refuse some JSON
/// (tabs, \ud83d\ude00).
std::shared_ptr<Raw> read_json(std::string_view text);

}  // namespace tailgate::settings
