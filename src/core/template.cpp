// SPDX-License-Identifier: Apache-2.0
#include "core/template.h"

#include <fmt/format.h>

namespace tailgate {
namespace {

tl::unexpected<Error> wrong(std::string_view text, std::size_t at, std::string_view what) {
  return fail(fmt::format("the template '{}' is wrong at column {}: {}", text, at + 1, what));
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  Template result;
  result.text_ = text;
  Part literal;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::string_view two = text.substr(at, 2);
    if (two == "{{" || two == "}}") {
      literal.literal += text[at];
      at += 2;
      continue;
    }
    if (text[at] == '}') return wrong(text, at, "this } closes nothing; itself it is written }}");
    if (text[at] != '{') {
      literal.literal += text[at++];
      continue;
    }
    const std::size_t open = at++;
    if (!literal.literal.empty()) result.parts_.push_back(std::move(literal));
    literal = {};
    Part field;
    std::size_t consumed = 0;
    auto path = json::Path::parse_prefix(text.substr(at), consumed);
    at += consumed;
    if (!path) return wrong(text, at, path.error().what);
    field.path = std::move(*path);
    if (at < text.size() && text[at] == '|') {
      const std::size_t end = text.find_first_of("{}", ++at);
      field.has_default = true;
      field.default_text = text.substr(at, end - at);
      at = end;
    }
    if (at >= text.size())
      return wrong(text, open, "this { is never closed; itself it is written {{");
    if (text[at] != '}') return wrong(text, at, "a } belongs here, or | and a default");
    ++at;
    result.parts_.push_back(std::move(field));
  }
  if (!literal.literal.empty()) result.parts_.push_back(std::move(literal));
  return result;
}

bool Template::expand(const json::Event& event, std::string& out) const {
  const std::size_t before = out.size();
  for (const Part& part : parts_) {
    if (part.path.empty()) {
      out += part.literal;
      continue;
    }
    const json::Value* value = event.find(part.path);
    if (value != nullptr && !value->is_container() && value->kind != json::Kind::null) {
      out += value->kind == json::Kind::string ? json::text_of(*value, event.arena()) : value->raw;
    } else if (part.has_default) {
      out += part.default_text;
    } else {
      out.resize(before);
      return false;
    }
  }
  return true;
}

bool Template::constant() const {
  for (const Part& part : parts_) {
    if (!part.path.empty()) return false;
  }
  return true;
}

std::vector<json::Path> Template::paths() const {
  std::vector<json::Path> paths;
  for (const Part& part : parts_) {
    if (!part.path.empty()) paths.push_back(part.path);
  }
  return paths;
}

}  // namespace tailgate
