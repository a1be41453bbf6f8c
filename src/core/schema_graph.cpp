// SPDX-License-Identifier: Apache-2.0
#include "core/schema_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

namespace tailgate {
namespace {

using Part = settings::Node;  // one schema object of the document
using Parts = std::vector<Part>;

constexpr std::size_t kMaxNodes = 20'000;

bool is_true(const Part& node) {
  return node.is_scalar() && !node.quoted() && node.text() == "true";
}
bool is_false(const Part& node) {
  return node.is_scalar() && !node.quoted() && node.text() == "false";
}

// Settings nodes share their data: the address of the members tells one map from another.
const void* identity(const Part& map) {
  return &map.members();
}

std::uint8_t type_bit(std::string_view word) {
  struct Word {
    std::string_view name;
    int bits;
  };
  static constexpr std::array<Word, 7> kWords{{{"null", Schema::kNull},
                                               {"boolean", Schema::kBoolean},
                                               {"integer", Schema::kInteger},
                                               {"number", Schema::kNumber | Schema::kInteger},
                                               {"string", Schema::kString},
                                               {"array", Schema::kArray},
                                               {"object", Schema::kObject}}};
  for (const Word& known : kWords) {
    if (known.name == word) return static_cast<std::uint8_t>(known.bits);
  }
  return 0;
}

/// True when the subschema could say something of an object's members.
bool shapes_objects(const Part& part) {
  if (!part.is_map()) return false;
  for (const char* word : {"properties", "additionalProperties", "patternProperties", "$ref",
                           "unevaluatedProperties", "dependentSchemas", "$dynamicRef"}) {
    if (part.at(word).given()) return true;
  }
  for (const char* word : {"allOf", "anyOf", "oneOf"}) {
    const Part list = part.at(word);
    if (!list.is_list()) continue;
    if (std::any_of(list.items().begin(), list.items().end(), shapes_objects)) return true;
  }
  return shapes_objects(part.at("then")) || shapes_objects(part.at("else"));
}

bool only_null(const Part& part) {
  if (!part.is_map() || part.members().size() != 1) return false;
  const Part type = part.at("type");
  return type.kind() == Part::Kind::null || (type.is_scalar() && type.text() == "null");
}

/// `~1` is a slash and `~0` a tilde (RFC 6901); %XX as in any URI fragment.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '~' && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
      out.push_back(text[++i] == '0' ? '~' : '/');
    } else if (text[i] == '%' && i + 2 < text.size() &&
               std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
                   text.data() + i + 3) {
      out.push_back(static_cast<char>(value));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// What a JSON pointer (without its #) leads to, or a missing node.
Part resolve(Part at, std::string_view pointer) {
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string name = unescape(pointer.substr(0, end));
    pointer.remove_prefix(end);
    if (!at.is_list()) {
      at = at.at(name);
      continue;
    }
    std::size_t index = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool good = error == std::errc{} && rest == name.data() + name.size();
    at = good && index < at.items().size() ? Part(at.items()[index]) : Part();
  }
  return at;
}

/// Makes nodes of schema objects: each node is what a set of them says together, because $ref and
/// allOf add up.
class Compiler {
 public:
  Compiler(Schema::Graph& graph, Part document, settings::Problems& problems)
      : graph_(graph), document_(std::move(document)), problems_(problems) {}

  /// nullptr: one of the parts is `false`, so nothing may stand there.
  const Schema::Node* node(const Parts& given) {
    Parts parts;
    std::set<const void*> seen;
    for (const Part& part : given) {
      if (!gather(part, parts, seen)) return nullptr;
    }
    std::set<const void*>& key = seen;
    if (const auto found = made_.find(key); found != made_.end()) return found->second;
    if (graph_.nodes.size() >= kMaxNodes) {
      problem(document_, "the schema is too large: its $ref and allOf make more than 20000 shapes");
      return nullptr;
    }
    graph_.nodes.push_back(std::make_unique<Schema::Node>());
    Schema::Node& out = *graph_.nodes.back();
    made_.emplace(key, &out);  // before its members: $ref may lead back here
    for (const Part& part : parts) out.types &= types(part);
    // `integer` is part of `number`, and says nothing beside it.
    if (out.types != Schema::kAny && (out.types & Schema::kNumber) != 0) {
      out.types &= static_cast<std::uint8_t>(~Schema::kInteger);
    }
    add_properties(parts, out);
    add_rest(parts, out);
    return &out;
  }

  [[nodiscard]] bool failed() const { return failed_; }

 private:
  void problem(const Part& where, std::string what) {
    failed_ = true;
    const settings::Location& location = where.location();
    if (reported_.emplace(location.line, location.column, what).second) {
      problems_.add(where, std::move(what));
    }
  }

  /// Adds `part` and all that it takes in by $ref and allOf. False: it is `false`.
  bool gather(const Part& part, Parts& into, std::set<const void*>& seen) {
    if (is_true(part)) return true;
    if (is_false(part)) return false;
    if (!part.is_map()) {
      problem(part, "a schema is an object, true or false");
      return true;
    }
    if (!seen.insert(identity(part)).second) return true;
    into.push_back(part);
    check(part);
    bool possible = true;
    if (const Part ref = part.at("$ref"); ref.given()) {
      const Part target = follow(ref);
      if (target.given()) possible = gather(target, into, seen) && possible;
    }
    for (const Part& each : list(part, "allOf")) possible = gather(each, into, seen) && possible;
    for (const char* word : {"anyOf", "oneOf"}) {
      if (const Part one = alternative(part, word); one.given()) {
        possible = gather(one, into, seen) && possible;
      }
    }
    return possible;
  }

  Part follow(const Part& ref) {
    const std::string& text = ref.text();
    if (!ref.is_scalar() || !text.starts_with("#") || (text.size() > 1 && text[1] != '/')) {
      problem(ref, fmt::format("$ref {}: only references inside this file are followed (#/…); give "
                               "the schema with its references resolved",
                               text));
      return {};
    }
    Part target = resolve(document_, std::string_view(text).substr(1));
    if (!target.given()) problem(ref, fmt::format("$ref {}: there is nothing at that place", text));
    return target;
  }

  Parts list(const Part& part, const char* word) {
    const Part found = part.at(word);
    if (found.given() && !found.is_list()) problem(found, fmt::format("{} is a list", word));
    return found.is_list() ? found.items() : Parts{};
  }

  /// `oneOf: [{type: null}, X]` is a value that may be null: X itself. Other alternatives that
  /// shape objects are refused.
  Part alternative(const Part& part, const char* word) {
    const Parts all = list(part, word);
    if (std::none_of(all.begin(), all.end(), shapes_objects)) return {};
    Parts rest;
    std::copy_if(all.begin(), all.end(), std::back_inserter(rest),
                 [](const Part& each) { return !only_null(each); });
    if (rest.size() == 1) return rest.front();
    problem(part.at(word), fmt::format("{} with properties is not understood: which members an "
                                       "object has must not depend on the event",
                                       word));
    return {};
  }

  void refuse(const Part& part, const char* word) {
    problem(part.at(word), fmt::format("{} is not understood here: it shapes objects in a way that "
                                       "a flat key cannot follow",
                                       word));
  }

  /// Refuses the keywords that could give an object further members.
  void check(const Part& part) {
    for (const char* word : {"patternProperties", "dependentSchemas"}) {
      const Part found = part.at(word);
      if (found.is_map() && !found.members().empty()) refuse(part, word);
    }
    for (const char* word : {"$dynamicRef", "$recursiveRef"}) {
      if (part.at(word).given()) refuse(part, word);
    }
    for (const char* word : {"then", "else"}) {
      if (shapes_objects(part.at(word))) refuse(part, word);
    }
    const Part unevaluated = part.at("unevaluatedProperties");
    if (unevaluated.given() && !is_false(unevaluated)) refuse(part, "unevaluatedProperties");
    const Part dependencies = part.at("dependencies");
    for (const auto& [name, each] : dependencies.members()) {
      if (shapes_objects(each)) refuse(part, "dependencies");
    }
  }

  std::uint8_t word_types(const Part& word) {
    const std::uint8_t bits = word.is_scalar() ? type_bit(word.text()) : std::uint8_t{0};
    if (bits == 0) {
      problem(word,
              "type is one of null, boolean, integer, number, string, array, object, or a list "
              "of them");
    }
    return bits;
  }

  std::uint8_t types(const Part& part) {
    std::uint8_t out = Schema::kAny;
    const Part type = part.at("type");
    if (type.is_list()) {
      out = 0;
      for (const Part& word : type.items()) out |= word_types(word);
    } else if (type.kind() != Part::Kind::missing) {
      // YAML's bare `type: null` says the same as the word.
      out = type.kind() == Part::Kind::null ? std::uint8_t{Schema::kNull} : word_types(type);
    }
    for (const char* word : {"anyOf", "oneOf"}) {
      const Parts all = list(part, word);
      if (all.empty() || std::any_of(all.begin(), all.end(), shapes_objects)) continue;
      std::uint8_t any = 0;
      for (const Part& each : all) any |= each.is_map() ? types(each) : std::uint8_t{Schema::kAny};
      out &= any;
    }
    return out;
  }

  void add_properties(const Parts& parts, Schema::Node& out) {
    std::map<std::string, Parts, std::less<>> together;
    for (const Part& part : parts) {
      const Part properties = part.at("properties");
      if (properties.given() && !properties.is_map())
        problem(properties, "properties is an object");
      for (const auto& [name, schema] : properties.members()) {
        together[name.text()].push_back(schema);
      }
    }
    for (const auto& [name, schemas] : together) {
      if (const Schema::Node* shape = node(schemas)) out.properties.push_back({name, shape});
    }
    std::stable_sort(out.properties.begin(), out.properties.end(),
                     [](const auto& a, const auto& b) { return a.name.size() > b.name.size(); });
  }

  void add_rest(const Parts& parts, Schema::Node& out) {
    Parts additional;
    Parts items;
    for (const Part& part : parts) {
      if (const Part found = part.at("additionalProperties"); found.given()) {
        additional.push_back(found);
      }
      // A list gives each element a schema of its own; nothing needs that.
      if (const Part found = part.at("items"); found.given() && !found.is_list()) {
        items.push_back(found);
      }
    }
    if (!additional.empty()) out.additional = node(additional);
    if (!items.empty()) out.items = node(items);
  }

  Schema::Graph& graph_;
  Part document_;
  settings::Problems& problems_;
  bool failed_ = false;
  std::map<std::set<const void*>, Schema::Node*> made_;
  std::set<std::tuple<int, int, std::string>> reported_;
};

}  // namespace

bool Schema::Graph::compile(const settings::Node& document, settings::Problems& problems) {
  Compiler compiler(*this, document, problems);
  root = compiler.node({document});
  if (root == nullptr && !compiler.failed()) {
    problems.add(document, "the schema is false: it allows no event at all");
  }
  return root != nullptr && !compiler.failed();
}

}  // namespace tailgate
