// SPDX-License-Identifier: Apache-2.0
#include "settings/json_tree.h"

#include <fmt/format.h>

#include <algorithm>

namespace tailgate::settings {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

JsonTree JsonTree::string(std::string_view text) {
  return literal(in_quotes(text));
}

JsonTree JsonTree::literal(std::string_view text) {
  JsonTree tree(Kind::scalar);
  tree.scalar_ = text;
  return tree;
}

JsonTree JsonTree::strings(const std::vector<std::string_view>& texts) {
  JsonTree tree = array();
  for (const std::string_view text : texts) tree.add(string(text));
  return tree;
}

JsonTree& JsonTree::set(std::string_view key, JsonTree value) {
  const auto same = std::find_if(members_.begin(), members_.end(),
                                 [&](const auto& member) { return member.first == key; });
  if (same != members_.end()) {
    same->second = std::move(value);
  } else {
    members_.emplace_back(key, std::move(value));
  }
  return *this;
}

JsonTree& JsonTree::add(JsonTree value) {
  members_.emplace_back("", std::move(value));
  return *this;
}

std::string JsonTree::text() const {
  std::string out;
  write(out, 0);
  return out + '\n';
}

void JsonTree::write(std::string& out, std::size_t indent) const {
  if (kind_ == Kind::scalar) {
    out += scalar_;
    return;
  }
  const bool is_object = kind_ == Kind::object;
  const bool one_line =
      members_.empty() ||
      (!is_object && std::all_of(members_.begin(), members_.end(), [](const auto& member) {
        return member.second.kind_ == Kind::scalar;
      }));
  out += is_object ? '{' : '[';
  bool first = true;
  for (const auto& [key, value] : members_) {
    if (!first) out += one_line ? ", " : ",";
    if (!one_line) out += '\n' + std::string(indent + 2, ' ');
    first = false;
    if (is_object) out += in_quotes(key) + ": ";
    value.write(out, indent + 2);
  }
  if (!one_line) out += '\n' + std::string(indent, ' ');
  out += is_object ? '}' : ']';
}

}  // namespace tailgate::settings
