// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "settings/check.h"
#include "settings/describe.h"
#include "settings/doc_view.h"
#include "settings/json_tree.h"

namespace tailgate::settings {
namespace {

JsonTree reference(std::string_view name) {
  return JsonTree::object().set("$ref", JsonTree::string(fmt::format("#/definitions/{}", name)));
}

/// Either `tree`, or a text with ${…} in it.
JsonTree or_substituted(JsonTree tree) {
  return JsonTree::object().set(
      "anyOf", JsonTree::array().add(std::move(tree)).add(reference("substituted")));
}

JsonTree of_type(const std::vector<std::string_view>& types) {
  return JsonTree::object().set(
      "type", types.size() == 1 ? JsonTree::string(types[0]) : JsonTree::strings(types));
}

JsonTree with_pattern(std::string_view pattern) {
  return of_type({"string", "integer"}).set("pattern", JsonTree::string(pattern));
}

JsonTree type_schema(const Option& option) {
  JsonTree text = of_type({"string", "number", "boolean"});
  switch (option.type) {
    case Type::boolean:
      return or_substituted(of_type({"boolean"}));
    case Type::integer:
      return or_substituted(of_type({"integer"}));
    case Type::bytes:
      return with_pattern("^[0-9]+(B|[KMG]iB?)?$|\\$\\{");
    case Type::duration:
      return with_pattern("^(0|([0-9.]+(ms|s|m|h|d))+)$|\\$\\{")
          .set("maximum", JsonTree::literal("0"));
    case Type::choice:
      return or_substituted(
          JsonTree::object().set("enum", JsonTree::strings(split_choices(option.choices))));
    case Type::text_or_list:
      return JsonTree::object().set(
          "anyOf", JsonTree::array().add(text).add(of_type({"array"}).set("items", text)));
    case Type::text_map:
      return of_type({"object"}).set("additionalProperties", text);
    case Type::condition:
      return of_type({"string", "boolean"});
    case Type::path:
      return of_type({"string"});
    case Type::any:
      return JsonTree::object();
    default:
      return text;
  }
}

JsonTree option_schema(const Option& option) {
  JsonTree tree = type_schema(option);
  tree.set("description", JsonTree::string(option.summary));
  const std::string_view text = option.default_text;
  const bool compound = text.starts_with('[') || text.starts_with('{') || text.starts_with('"');
  if (text.empty() || compound) return tree;
  const bool literal = option.type == Type::integer || option.type == Type::boolean;
  return tree.set("default", literal ? JsonTree::literal(text) : JsonTree::string(text));
}

JsonTree constant(std::string_view text) {
  return JsonTree::object().set("const", JsonTree::string(text));
}

class SchemaWriter {
 public:
  explicit SchemaWriter(const SectionDoc& root) : root_(root) {
    definitions_.set("substituted",
                     of_type({"string"}).set("pattern", JsonTree::string("\\$\\{.+\\}")));
  }

  std::string document() {
    JsonTree tree = JsonTree::object();
    tree.set("$schema", JsonTree::string("http://json-schema.org/draft-07/schema#"));
    tree.set("title", JsonTree::string(root_.summary));
    JsonTree map = map_schema(DocView::of({&root_}), {});
    // Free places for anchors.
    map.set("patternProperties", JsonTree::object().set("^x-", JsonTree::object()));
    tree.set("allOf", JsonTree::array().add(std::move(map)));
    return tree.set("definitions", definitions_).text();
  }

 private:
  /// `kinds`: the values that `type` may have; none when there is no `type`.
  JsonTree map_schema(const DocView& view, const std::vector<std::string_view>& kinds) {
    JsonTree properties = JsonTree::object();
    std::vector<std::string_view> required;
    JsonTree others = JsonTree::literal("false");
    if (!kinds.empty()) {
      properties.set("type", JsonTree::object().set("enum", JsonTree::strings(kinds)));
      required.push_back("type");
    }
    for (const Option* option : view.options) {
      if (!kinds.empty() && option->name == "type") continue;
      if (option->name == kAnyKey) {
        others = option_schema(*option);
        continue;
      }
      properties.set(option->name, option_schema(*option));
      if (option->required) required.push_back(option->name);
    }
    for (const SectionDoc* child : view.children)
      properties.set(child->name, section_schema(*child));
    JsonTree tree = of_type({"object", "null"});
    if (!required.empty())
      tree.set("type", JsonTree::string("object")).set("required", JsonTree::strings(required));
    return tree.set("properties", std::move(properties))
        .set("additionalProperties", std::move(others));
  }

  JsonTree section_schema(const SectionDoc& doc) {
    if (!doc.same_as.empty()) return reference(doc.same_as);
    if (doc.shape == SectionDoc::Shape::map)
      return described(map_schema(DocView::of({&doc}), {}), doc);
    JsonTree tree = doc.shape == SectionDoc::Shape::named ? named_schema(doc) : list_schema(doc);
    definitions_.set(doc.name, described(std::move(tree), doc));
    return reference(doc.name);
  }

  static JsonTree described(JsonTree tree, const SectionDoc& doc) {
    if (!doc.summary.empty()) tree.set("description", JsonTree::string(doc.summary));
    return tree;
  }

  JsonTree named_schema(const SectionDoc& doc) {
    JsonTree cases = JsonTree::array();
    std::vector<std::string_view> names;
    for (const SectionDoc& kind : doc.kinds) {
      names.push_back(kind.name);
      const std::string definition = fmt::format("{}.{}", doc.name, kind.name);
      definitions_.set(definition,
                       described(map_schema(DocView::of({&kind, &doc}), {kind.name}), kind));
      JsonTree is_it =
          JsonTree::object().set("properties", JsonTree::object().set("type", constant(kind.name)));
      is_it.set("required", JsonTree::strings({"type"}));
      cases.add(JsonTree::object().set("if", std::move(is_it)).set("then", reference(definition)));
    }
    // By `if` rather than `oneOf`: an editor then speaks of the one option that is wrong.
    JsonTree entry = of_type({"object"});
    entry.set("properties", JsonTree::object().set(
                                "type", JsonTree::object().set("enum", JsonTree::strings(names))));
    entry.set("required", JsonTree::strings({"type"})).set("allOf", std::move(cases));
    return of_type({"object", "null"}).set("additionalProperties", std::move(entry));
  }

  JsonTree list_schema(const SectionDoc& doc) {
    JsonTree properties = JsonTree::object();
    JsonTree one_of = JsonTree::array();
    for (const SectionDoc& kind : doc.kinds) {
      const std::string definition = fmt::format("{}.{}", doc.name, kind.name);
      definitions_.set(definition, described(map_schema(DocView::of({&kind}), {}), kind));
      properties.set(kind.name, reference(definition));
      one_of.add(JsonTree::object().set("required", JsonTree::strings({kind.name})));
    }
    for (const Option& option : doc.options) properties.set(option.name, option_schema(option));
    JsonTree item = of_type({"object"}).set("properties", std::move(properties));
    item.set("additionalProperties", JsonTree::literal("false")).set("oneOf", std::move(one_of));
    return of_type({"array", "null"}).set("items", std::move(item));
  }

  const SectionDoc& root_;
  JsonTree definitions_ = JsonTree::object();
};

}  // namespace

std::vector<Option> options_of(OptionTable table) {
  return {table.begin(), table.end()};
}

std::string json_schema(const SectionDoc& root) {
  return SchemaWriter(root).document();
}

}  // namespace tailgate::settings
