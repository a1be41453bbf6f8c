// SPDX-License-Identifier: Apache-2.0
#include "settings/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "settings/doc_view.h"

namespace tailgate::settings {
namespace {

constexpr std::string_view kMask = "\"***\"";

bool plain_is_safe(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`~<=").find(text.front()) != std::string_view::npos) {
    const bool number = text.front() == '-' && text.size() > 1 && text[1] >= '0' && text[1] <= '9';
    if (!number) return false;
  }
  if (text == "null" || text == "Null" || text == "NULL") return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; });
}

/// As it is written in YAML; also keys, in which nothing is substituted.
std::string yaml_text(std::string_view text, bool quoted = false) {
  if (!quoted && plain_is_safe(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// The value as it is written in YAML, with ${ made literal.
std::string scalar_text(std::string_view text, bool quoted) {
  std::string escaped(text);
  for (std::size_t at = escaped.find("${"); at != std::string::npos;
       at = escaped.find("${", at + 3))
    escaped.insert(at, 1, '$');
  return yaml_text(escaped, quoted);
}

/// https://user:password@host: the password is left out.
std::string without_password(std::string text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const std::size_t start = scheme + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", start), text.size());
  const std::size_t at = text.rfind('@', end);
  const std::size_t colon = text.find(':', start);
  if (at == std::string::npos || at < start || at >= end || colon >= at) return text;
  return text.replace(colon + 1, at - colon - 1, "***");
}

/// https://host/?access_token=…: a query's values may be secrets, so none is shown.
std::string without_query_values(std::string text) {
  if (text.find("://") == std::string::npos) return text;
  const std::size_t hash = std::min(text.find('#'), text.size());
  std::string out = text.substr(0, text.find('?'));
  if (out.size() >= hash) return text;
  std::size_t at = out.size();
  while (at < hash) {
    const std::size_t end = std::min(text.find('&', at + 1), hash);
    const std::size_t equals = text.find('=', at);
    out += equals < end ? text.substr(at, equals - at) + "=***" : text.substr(at, end - at);
    at = end;
  }
  return out + text.substr(hash);
}

class Printer {
 public:
  Printer(const SectionDoc& root, Defaults defaults) : root_(root), defaults_(defaults) {}

  std::string document(const Node& node) {
    map(node, DocView::of({&root_}), 0);
    return std::move(out_);
  }

 private:
  void line(std::size_t indent, std::string_view text) {
    out_ += fmt::format("{}{}\n", std::string(indent, ' '), text);
  }

  static std::string shown(const Node& node, bool secret) {
    if (!node.is_scalar()) return node.is_list() ? "[]" : node.is_map() ? "{}" : "null";
    if (secret || node.secret()) return std::string(kMask);
    return scalar_text(without_query_values(without_password(node.text())), node.quoted());
  }
  static bool is_leaf(const Node& node) {
    return (!node.is_map() || node.members().empty()) && (!node.is_list() || node.items().empty());
  }

  /// A value that no section describes.
  void value(const std::string& key, const Node& node, bool secret, std::size_t indent) {
    if (is_leaf(node)) return line(indent, fmt::format("{} {}", key, shown(node, secret)));
    line(indent, key);
    for (const auto& [name, member] : node.members()) {
      // How one proves who one is (auth.type) is no secret.
      const bool hidden = (secret && name.text() != "type") || speaks_of_a_secret(name.text());
      value(yaml_text(name.text()) + ":", member, hidden, indent + 2);
    }
    for (const Node& item : node.items()) this->item(item, secret, indent + 2);
  }

  void item(const Node& item, bool secret, std::size_t indent) {
    if (is_leaf(item)) return line(indent, fmt::format("- {}", shown(item, secret)));
    const std::size_t start = out_.size();
    for (const auto& [name, member] : item.members()) {
      value(yaml_text(name.text()) + ":", member, secret || speaks_of_a_secret(name.text()),
            indent + 2);
    }
    for (const Node& inner : item.items()) this->item(inner, secret, indent + 2);
    out_[start + indent] = '-';
  }

  void map(const Node& node, const DocView& view, std::size_t indent) {
    for (const auto& [name, member] : node.members()) {
      const std::string key = yaml_text(name.text()) + ":";
      if (const SectionDoc* child = view.child(name.text())) {
        section(key, member, *child, indent);
        continue;
      }
      const Option* option = view.option(name.text());
      value(key, member, (option != nullptr && option->secret) || speaks_of_a_secret(name.text()),
            indent);
    }
    if (defaults_ == Defaults::omit) return;
    for (const Option* option : view.options) {
      if (option->default_text.empty() || node.at(option->name).kind() != Node::Kind::missing)
        continue;
      const std::string_view text = option->default_text;
      const bool as_is = text.starts_with('[') || text.starts_with('{') || text.starts_with('"') ||
                         text.starts_with('\'');
      line(indent, fmt::format("{}: {}", option->name,
                               as_is ? std::string(text) : scalar_text(text, false)));
    }
    for (const SectionDoc* child : view.children) {
      const bool absent = node.at(child->name).kind() == Node::Kind::missing;
      const SectionDoc::Shape shape = resolved(*child, root_).shape;
      if (absent && shape == SectionDoc::Shape::map)
        section(child->name + ":", Node(), *child, indent);
      if (absent && shape == SectionDoc::Shape::list) line(indent, child->name + ": []");
    }
  }

  /// A map under its key; a key without anything is `{}`.
  void keyed_map(const std::string& key, const Node& node, const DocView& view,
                 std::size_t indent) {
    if (node.is_scalar() || node.is_list()) return value(key, node, false, indent);
    line(indent, key);
    const std::size_t start = out_.size();
    map(node, view, indent + 2);
    if (out_.size() == start) out_.insert(start - 1, " {}");
  }

  void section(const std::string& key, const Node& node, const SectionDoc& given,
               std::size_t indent) {
    const SectionDoc& doc = resolved(given, root_);
    if (doc.shape == SectionDoc::Shape::map)
      return keyed_map(key, node, DocView::of({&doc}), indent);
    const bool fits = doc.shape == SectionDoc::Shape::named ? node.is_map() : node.is_list();
    if (!fits || is_leaf(node)) return value(key, node, false, indent);
    line(indent, key);
    for (const auto& [name, member] : node.members()) {
      std::vector<const SectionDoc*> parts;
      if (const SectionDoc* kind = kind_of(doc, member.at("type").text())) parts.push_back(kind);
      parts.push_back(&doc);
      keyed_map(yaml_text(name.text()) + ":", member, DocView::of(parts), indent + 2);
    }
    for (const Node& item : node.items()) filter(item, doc, indent + 2);
  }

  /// One item of a list of kinds: `- unflatten: …` and what stands beside it.
  void filter(const Node& item, const SectionDoc& doc, std::size_t indent) {
    if (!item.is_map() || item.members().empty()) return this->item(item, false, indent);
    const std::size_t start = out_.size();
    for (const auto& [name, member] : item.members()) {
      const std::string key = yaml_text(name.text()) + ":";
      if (const SectionDoc* kind = kind_of(doc, name.text())) {
        keyed_map(key, member, DocView::of({kind}), indent + 2);
      } else {
        value(key, member, speaks_of_a_secret(name.text()), indent + 2);
      }
    }
    out_[start + indent] = '-';
  }

  static const SectionDoc* kind_of(const SectionDoc& doc, std::string_view name) {
    for (const SectionDoc& kind : doc.kinds) {
      if (kind.name == name) return &kind;
    }
    return nullptr;
  }

  const SectionDoc& root_;
  const Defaults defaults_;
  std::string out_;
};

}  // namespace

bool speaks_of_a_secret(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  constexpr std::array<std::string_view, 11> kWords = {
      "password",   "passwd",  "secret",  "token",   "authorization",
      "cookie",     "api-key", "api_key", "key.pem", "oauthbearer.config",
      "jaas.config"};
  // `token_file` names a file.
  if (lower.ends_with("_file") || lower.ends_with(".location")) return false;
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string print_masked(const Node& root, const SectionDoc& doc, Defaults defaults) {
  return Printer(doc, defaults).document(root);
}

}  // namespace tailgate::settings
