// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "settings/raw.h"

namespace tailgate::settings {
namespace {

using RawPtr = std::shared_ptr<Raw>;

/// Builds the tree from the parser's events. Events rather than YAML::Load, which loses a key given
/// twice.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  [[nodiscard]] RawPtr root() const { return root_; }
  [[nodiscard]] int documents() const { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) {
      problems_.add(at(mark),
                    "a second document starts here: settings are one document, so remove the --- "
                    "or ... line");
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    place(make(mark, Node::Kind::null, anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RawPtr raw = make(mark, Node::Kind::scalar, anchor);
    raw->text = value;
    raw->quoted = tag == "!" || tag == kText;
    keep_tag(*raw, tag);
    place(raw);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    const bool open = found != anchors_.end() &&
                      std::find(open_.begin(), open_.end(), found->second) != open_.end();
    if (found == anchors_.end() || open) {
      problems_.add(at(mark),
                    open ? "this alias stands inside what it names" : "this alias names nothing");
      place(make(mark, Node::Kind::null, 0));
      return;
    }
    place(found->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] Location at(const YAML::Mark& mark) const {
    return {file_, mark.line + 1, mark.column + 1};
  }

 private:
  static constexpr std::size_t kDeepest = 100;
  static constexpr const char* kText = "tag:yaml.org,2002:str";

  static void keep_tag(Raw& raw, const std::string& tag) {
    if (tag != "!" && tag != "?" && tag != kText) raw.tag = tag;
  }
  RawPtr make(const YAML::Mark& mark, Node::Kind kind, YAML::anchor_t anchor) {
    RawPtr raw = std::make_shared<Raw>();
    raw->kind = kind;
    raw->line = mark.line + 1;
    raw->column = mark.column + 1;
    if (anchor != 0) anchors_[anchor] = raw;
    return raw;
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    if (open_.size() >= kDeepest) {
      throw YAML::ParserException(
          mark, fmt::format("nested too deep: settings have at most {} levels", kDeepest));
    }
    const RawPtr raw = make(mark, kind, anchor);
    keep_tag(*raw, tag);
    place(raw);
    open_.push_back(raw);
    keys_.emplace_back();
  }
  void close() {
    open_.pop_back();
    keys_.pop_back();
  }
  void place(const RawPtr& raw) {
    if (open_.empty()) {
      if (documents_ == 1) root_ = raw;
    } else if (open_.back()->kind == Node::Kind::list) {
      open_.back()->items.push_back(raw);
    } else if (!keys_.back()) {
      keys_.back() = raw;
    } else {
      // The parser places an absent value at the next token, lines below its key.
      if (raw->kind == Node::Kind::null && raw->line != keys_.back()->line) {
        raw->line = keys_.back()->line;
        raw->column = keys_.back()->column;
      }
      open_.back()->members.emplace_back(std::move(keys_.back()), raw);
      keys_.back() = nullptr;
    }
  }

  const std::string& file_;
  Problems& problems_;
  RawPtr root_;
  std::vector<RawPtr> open_;  // lists and maps being read
  std::vector<RawPtr> keys_;  // per open one: a key that waits for its value
  std::map<YAML::anchor_t, RawPtr> anchors_;
  int documents_ = 0;
};

/// The line (1-based) of the text, for hints.
std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

std::string hint(std::string_view line) {
  if (line.find_first_not_of(' ') != std::string_view::npos &&
      line[line.find_first_not_of(' ')] == '\t') {
    return " (indent with spaces, not with tabs)";
  }
  const std::size_t open = line.find('{');
  if (open != std::string_view::npos && line.find("${") != std::string_view::npos &&
      line[open == 0 ? 0 : open - 1] != '$') {
    return " (inside { } quote what holds ${…}: {token: \"${TOKEN}\"})";
  }
  return {};
}

}  // namespace

std::shared_ptr<Raw> read_yaml(const std::string& text, const std::string& file, Problems& problems,
                               bool* broken) {
  Builder builder(file, problems);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (builder.documents() < 2 && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    problems.add(builder.at(e.mark),
                 fmt::format("YAML: {}{}", e.msg, hint(line_of(text, e.mark.line + 1))));
    if (broken != nullptr) *broken = true;
    return nullptr;
  }
  return builder.root();
}

}  // namespace tailgate::settings
