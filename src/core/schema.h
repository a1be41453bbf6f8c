// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/path.h"
#include "settings/node.h"

namespace tailgate {

/// The shape that a JSON Schema gives to events: which members an object has, of which type. Local
/// `$ref` and `allOf` are resolved; keywords that only restrict values (pattern, minimum, required,
/// …) are ignored; what could shape an object in a way that is not understood here (a remote $ref,
/// patternProperties, properties under oneOf, …) is a problem at start. Immutable afterwards; cheap
/// to copy; may be shared by threads. Keywords: JSON Schema draft-07, and $defs of 2019-09.
class Schema {
 public:
  /// Bits of a set: draft-07, section 6.1.1.
  enum Type : std::uint8_t {
    kNull = 1,
    kBoolean = 2,
    kInteger = 4,
    kNumber = 8,
    kString = 16,
    kArray = 32,
    kObject = 64,
    kAny = 127,
  };

  struct Node;
  struct Property {
    std::string name;  // decoded
    const Node* node;
  };
  struct Node {
    std::uint8_t types = kAny;         // a set of Type
    std::vector<Property> properties;  // longest name first
    const Node* additional =
        nullptr;  // for names that are not in `properties`; only where the schema says so
    const Node* items = nullptr;  // of an array, where one schema is given for all elements

    [[nodiscard]] const Property* property(std::string_view name) const;
    /// The shape of the member with this name: the property's, else that of additional ones, else
    /// nullptr.
    [[nodiscard]] const Node* member(std::string_view name) const;
  };

  /// Reads YAML or JSON. Nothing when anything is wrong; `problems` then says what and where.
  static std::optional<Schema> load(const std::string& file, settings::Problems& problems);
  static std::optional<Schema> from(const settings::Node& document, settings::Problems& problems);

  [[nodiscard]] const Node& root() const;
  /// What the schema says of the value at `path`, or nullptr.
  [[nodiscard]] const Node* at(const json::Path& path) const;
  /// The names that the flat key `key` stands for: at each level the longest property that the key
  /// goes on with, shorter ones if that leads nowhere, and last additional properties, which take
  /// the rest of the key as one name. Slices of `key`; empty when the schema has no place for it.
  /// `http_request_headers_user-agent` with `_` becomes http, request_headers, user-agent.
  [[nodiscard]] std::vector<std::string_view> split(std::string_view key,
                                                    std::string_view separator) const;

  struct Graph;  // owns the nodes; $ref may make circles

 private:
  explicit Schema(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}
  std::shared_ptr<const Graph> graph_;
};

}  // namespace tailgate
