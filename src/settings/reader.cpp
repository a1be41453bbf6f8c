// SPDX-License-Identifier: Apache-2.0
#include "settings/reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "settings/raw.h"
#include "settings/substitute.h"

namespace tailgate::settings {
namespace {

/// Aliases of aliases can make a few lines mean millions of values.
constexpr std::size_t kMostNodes = 200'000;

bool is_null_text(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

std::string member_path(const std::string& parent, const std::string& key) {
  const bool quote = key.empty() || key.find_first_of(". []\"") != std::string::npos;
  const std::string name = quote ? fmt::format("\"{}\"", key) : key;
  return parent.empty() ? name : fmt::format("{}.{}", parent, name);
}

/// From the text's tree to nodes: paths, substitution, the checks of keys.
class Weaver {
 public:
  Weaver(const std::string& file, const Environment* environment, Problems& problems)
      : file_(file),
        folder_(std::filesystem::path(file).parent_path().string()),
        environment_(environment),
        problems_(problems) {}

  Node weave(const Raw& raw, const std::string& path) {
    std::shared_ptr<Node::Data> data = blank(raw, path);
    if (++nodes_ > kMostNodes) {
      if (nodes_ == kMostNodes + 1)
        problems_.add(data->location, "the aliases from here on stand for too much");
      data->kind = Node::Kind::null;
      return Node(data);
    }
    if (environment_ != nullptr && !raw.tag.empty()) {
      problems_.add(
          data->location,
          fmt::format("{}a text that begins with ! must be quoted (the tag {} has no meaning)",
                      path.empty() ? "" : path + ": ", raw.tag));
    }
    if (raw.kind == Node::Kind::scalar) scalar(raw, *data);
    if (raw.kind == Node::Kind::list) {
      for (std::size_t i = 0; i < raw.items.size(); ++i) {
        data->items.push_back(weave(*raw.items[i], fmt::format("{}[{}]", path, i)));
      }
    }
    if (raw.kind == Node::Kind::map) map(raw, *data);
    return Node(data);
  }

 private:
  [[nodiscard]] std::shared_ptr<Node::Data> blank(const Raw& raw, const std::string& path) const {
    auto data = std::make_shared<Node::Data>();
    data->kind = raw.kind;
    data->path = path;
    data->location = {file_, raw.line, raw.column};
    return data;
  }

  void scalar(const Raw& raw, Node::Data& data) {
    data.text = raw.text;
    data.quoted = raw.quoted;
    if (environment_ == nullptr) return;
    Result<Substituted> done = substitute(raw.text, folder_, *environment_);
    if (!done) {
      data.text.clear();
      problems_.add(Node(std::make_shared<Node::Data>(data)), done.error().what);
      return;
    }
    data.text = std::move(done->text);
    data.secret = done->secret;
    if (done->changed && !data.quoted && is_null_text(data.text)) data.kind = Node::Kind::null;
  }

  void map(const Raw& raw, Node::Data& data) {
    std::map<std::string, int> lines;  // of the keys so far
    for (const auto& [raw_key, raw_value] : raw.members) {
      const std::string path = member_path(data.path, raw_key->text);
      const Node key = key_node(*raw_key, path);
      if (raw_key->kind != Node::Kind::scalar) {
        problems_.add(key.location(), "a key must be plain text");
        continue;
      }
      if (raw_key->text == "<<" && !raw_key->quoted && environment_ != nullptr) {
        problems_.add(key,
                      "merging with << is not done: name what is meant, or alias whole values");
        continue;
      }
      const auto [first, is_new] = lines.emplace(raw_key->text, raw_key->line);
      if (!is_new) {
        problems_.add(key, fmt::format("given twice, first in line {}: remove one", first->second));
        continue;
      }
      if (environment_ != nullptr && data.path.empty() && raw_key->text.starts_with("x-")) continue;
      data.members.emplace_back(key, weave(*raw_value, path));
    }
  }

  [[nodiscard]] Node key_node(const Raw& raw, const std::string& path) const {
    auto data = blank(raw, path);
    data->text = raw.text;
    data->quoted = raw.quoted;
    return Node(data);
  }

  const std::string& file_;
  const std::string folder_;
  const Environment* environment_;  // nullptr: plain, nothing is substituted
  Problems& problems_;
  std::size_t nodes_ = 0;
};

std::optional<std::string> slurp(const std::string& file, Problems& problems) {
  std::error_code error;
  std::ifstream in;
  if (!std::filesystem::is_directory(file, error)) in.open(file, std::ios::binary);
  if (!in.is_open()) {
    const bool folder = std::filesystem::is_directory(file, error);
    problems.add(Location{file, 0, 0},
                 folder ? std::string("is a folder, not a file")
                        : fmt::format("cannot be read: {}", std::strerror(errno)));
    return std::nullopt;
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

Node read_text(const std::string& text, const std::string& file, const Environment& environment,
               Problems& problems) {
  bool broken = false;
  const std::shared_ptr<Raw> raw = read_yaml(text, file, problems, &broken);
  if (raw) return Weaver(file, &environment, problems).weave(*raw, "");
  if (broken) problems.close();
  // Nothing in it: what is missing is said of its first line.
  auto empty = std::make_shared<Node::Data>();
  empty->kind = Node::Kind::null;
  empty->location = {file, 1, 1};
  return Node(std::move(empty));
}

Node read_file(const std::string& file, const Environment& environment, Problems& problems) {
  const std::optional<std::string> text = slurp(file, problems);
  if (text) return read_text(*text, file, environment, problems);
  problems.close();
  return {};
}

Node read_plain_file(const std::string& file, Problems& problems) {
  const std::optional<std::string> text = slurp(file, problems);
  if (!text) return {};
  const std::size_t first = text->find_first_not_of(" \t\r\n");
  std::shared_ptr<Raw> raw;
  if (first != std::string::npos && ((*text)[first] == '{' || (*text)[first] == '['))
    raw = read_json(*text);
  if (!raw) raw = read_yaml(*text, file, problems);
  return raw ? Weaver(file, nullptr, problems).weave(*raw, "") : Node();
}

}  // namespace tailgate::settings
