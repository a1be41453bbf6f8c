// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tailgate::settings {

/// Where something stands in a settings file. Line and column are 1-based; 0 when unknown.
struct Location {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One value of the settings: what it is, where it stands, and by which path it is reached
/// (`sinks.gateway.url`). Immutable; cheap to copy; may be shared by threads. An absent node is
/// `missing`.
class Node {
 public:
  enum class Kind { missing, null, scalar, list, map };
  struct Data {
    Kind kind = Kind::missing;
    std::string text;     // a scalar's text, after ${…} was substituted
    bool quoted = false;  // quoted scalars stay strings
    bool secret = false;  // came from ${file:…} or ${ENV}: printed as ***
    std::string path;
    Location location;
    std::vector<std::pair<Node, Node>> members;  // of a map: key and value, in order
    std::vector<Node> items;                     // of a list
  };

  Node() = default;
  explicit Node(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

  [[nodiscard]] Kind kind() const { return data_ ? data_->kind : Kind::missing; }
  [[nodiscard]] bool given() const { return kind() != Kind::missing && kind() != Kind::null; }
  [[nodiscard]] bool is_map() const { return kind() == Kind::map; }
  [[nodiscard]] bool is_list() const { return kind() == Kind::list; }
  [[nodiscard]] bool is_scalar() const { return kind() == Kind::scalar; }
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool quoted() const { return data_ && data_->quoted; }
  [[nodiscard]] bool secret() const { return data_ && data_->secret; }
  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const Location& location() const;
  [[nodiscard]] const std::vector<std::pair<Node, Node>>& members() const;
  [[nodiscard]] const std::vector<Node>& items() const;
  /// The member with this key, or a missing node (whose location is the map's).
  [[nodiscard]] Node at(std::string_view key) const;

 private:
  std::shared_ptr<const Data> data_;
};

/// Everything wrong with the settings, collected so that all of it is said at once.
class Problems {
 public:
  void add(const Node& where, std::string what);
  void add(Location where, std::string what);
  /// The value is not what it should be at all: nothing else that is said of it counts.
  void refuse(const Node& where, std::string what);
  void warn(const Node& where, std::string what);
  /// The text could not be read: what is missing in it later is no problem of its own.
  void close() { closed_ = true; }
  [[nodiscard]] bool any() const { return !errors_.empty(); }
  /// One per line, in file order: `tailgate.yaml:12:5: sinks.gateway.url: …`.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string warnings() const;

 private:
  struct Entry {
    Location location;
    std::string line;
  };
  static std::string in_file_order(std::vector<Entry> entries);
  std::vector<Entry> errors_;
  std::vector<std::string> refused_;  // how lines about them begin
  bool closed_ = false;
  std::vector<Entry> warnings_;
};

}  // namespace tailgate::settings
