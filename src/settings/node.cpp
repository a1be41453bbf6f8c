// SPDX-License-Identifier: Apache-2.0
#include "settings/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace tailgate::settings {
namespace {

const Node::Data& nothing() {
  static const Node::Data data;
  return data;
}

std::string place(const Location& where) {
  if (where.line <= 0) return where.file.empty() ? std::string() : where.file + ": ";
  return fmt::format("{}:{}:{}: ", where.file, where.line, where.column);
}

/// What was put in for ${…} is not repeated, whoever complains about it.
std::string without_secret(const Node& where, std::string what) {
  const std::string& text = where.text();
  if (!where.secret() || text.empty()) return what;
  constexpr std::string_view kMask = "***";
  for (std::size_t at = what.find(text); at != std::string::npos;
       at = what.find(text, at + kMask.size()))
    what.replace(at, text.size(), kMask);
  return what;
}

}  // namespace

const std::string& Node::text() const {
  return data_ ? data_->text : nothing().text;
}
const std::string& Node::path() const {
  return data_ ? data_->path : nothing().path;
}
const Location& Node::location() const {
  return data_ ? data_->location : nothing().location;
}
const std::vector<std::pair<Node, Node>>& Node::members() const {
  return data_ ? data_->members : nothing().members;
}
const std::vector<Node>& Node::items() const {
  return data_ ? data_->items : nothing().items;
}

Node Node::at(std::string_view key) const {
  for (const auto& [name, value] : members()) {
    if (name.text() == key) return value;
  }
  auto data = std::make_shared<Data>();
  data->location = location();
  data->path = path().empty() ? std::string(key) : fmt::format("{}.{}", path(), key);
  return Node(std::move(data));
}

void Problems::refuse(const Node& where, std::string what) {
  add(where, std::move(what));
  std::string start = place(where.location());
  if (!where.path().empty()) start += where.path() + ": ";
  refused_.push_back(std::move(start));
}

void Problems::add(const Node& where, std::string what) {
  if (closed_) return;
  std::string line = place(where.location());
  if (!where.path().empty()) line += where.path() + ": ";
  // One wrong value is one problem, though several readers may look at it: what was said first is
  // nearest to the cause.
  const std::string start = line;
  const auto said = [&](const Entry& entry) { return entry.line.starts_with(start); };
  if (where.is_scalar() && where.location().line > 0 &&
      std::any_of(errors_.begin(), errors_.end(), said))
    return;
  if (std::find(refused_.begin(), refused_.end(), line) != refused_.end()) return;
  errors_.push_back({where.location(), line + without_secret(where, std::move(what))});
}

void Problems::add(Location where, std::string what) {
  if (closed_) return;
  std::string line = place(where) + std::move(what);
  errors_.push_back({std::move(where), std::move(line)});
}

void Problems::warn(const Node& where, std::string what) {
  std::string line = place(where.location());
  if (!where.path().empty()) line += where.path() + ": ";
  warnings_.push_back({where.location(), line + without_secret(where, std::move(what))});
}

std::string Problems::text() const {
  return in_file_order(errors_);
}
std::string Problems::warnings() const {
  return in_file_order(warnings_);
}

std::string Problems::in_file_order(std::vector<Entry> entries) {
  // Files come in the order in which they were first mentioned: the settings before the schemas
  // they name.
  std::vector<std::string> files;
  const auto rank = [&](const Entry& entry) {
    auto found = std::find(files.begin(), files.end(), entry.location.file);
    if (found == files.end()) found = files.insert(files.end(), entry.location.file);
    return std::make_tuple(found - files.begin(), entry.location.line, entry.location.column);
  };
  for (const Entry& entry : entries) static_cast<void>(rank(entry));
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const Entry& a, const Entry& b) { return rank(a) < rank(b); });
  std::string out;
  std::string last;
  for (const Entry& entry : entries) {
    if (entry.line == last) continue;
    out += entry.line + '\n';
    last = entry.line;
  }
  return out;
}

}  // namespace tailgate::settings
