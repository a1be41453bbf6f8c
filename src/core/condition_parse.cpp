// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/condition_node.h"
#include "json/parse.h"
#include "json/scalar.h"
#include "json/text.h"

namespace tailgate {
namespace {

using json::Kind;
using Node = Condition::Node;
using Part = Result<std::unique_ptr<Node>>;
using What = Node::What;

constexpr int kMaxDepth = 64;  // of parentheses and `not`
constexpr std::int64_t kPatternMemory = 1 << 20;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-' ||
         c == '$' || c == '@';
}

// A parser by recursive descent. Every failure leaves in `at_` the place of what is wrong.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Part parse() {
    auto root = read_any(0);
    if (!root) return root;
    skip_space();
    if (at_ == text_.size()) return root;
    return misplaced();
  }

  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  struct Operator {
    std::string_view text;
    What what;
    bool negated;  // of the comparison itself
    bool swapped;  // a > b is b < a
  };
  static constexpr std::array<Operator, 6> kOperators = {{{"==", What::equal, false, false},
                                                          {"!=", What::equal, true, false},
                                                          {"<=", What::less_equal, false, false},
                                                          {">=", What::less_equal, false, true},
                                                          {"<", What::less, false, false},
                                                          {">", What::less, false, true}}};

  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }

  [[nodiscard]] bool starts(std::string_view with) const {
    return text_.substr(at_).starts_with(with);
  }

  // The word here, without going past it.
  [[nodiscard]] std::string_view word() const {
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    // `in.x` is a path, not the keyword.
    if (end < text_.size() && text_[end] == '.') return {};
    return text_.substr(at_, end - at_);
  }

  bool take(std::string_view what) {
    skip_space();
    if (!starts(what)) return false;
    at_ += what.size();
    return true;
  }

  bool take_word(std::string_view what) {
    skip_space();
    if (word() != what) return false;
    at_ += what.size();
    return true;
  }

  tl::unexpected<Error> misplaced() const {
    if (starts("&&")) return fail("write and");
    if (starts("||")) return fail("write or");
    if (starts(")")) return fail("this ) closes nothing");
    return fail("and, or, or the end belongs here");
  }

  Part read_any(int depth) { return read_several(What::any, "or", depth); }

  Part read_several(What what, std::string_view between, int depth) {
    auto node = std::make_unique<Node>();
    node->what = what;
    do {
      auto part = what == What::any ? read_several(What::all, "and", depth) : read_one(depth);
      if (!part) return part;
      node->children.push_back(std::move(*part));
    } while (take_word(between));
    if (node->children.size() == 1) return std::move(node->children.front());
    return node;
  }

  static std::unique_ptr<Node> negate(std::unique_ptr<Node> inner) {
    auto node = std::make_unique<Node>();
    node->what = What::negation;
    node->children.push_back(std::move(inner));
    return node;
  }

  Part read_one(int depth) {
    skip_space();
    if (depth > kMaxDepth) return fail("this is nested too deeply");
    if (take_word("not")) {
      auto inner = read_one(depth + 1);
      if (!inner) return inner;
      return negate(std::move(*inner));
    }
    if (starts("!") && !starts("!=")) return fail("write not");
    if (starts("(")) return read_group(depth);
    if (word() == "exists") return read_exists();
    return read_comparison();
  }

  Part read_group(int depth) {
    const std::size_t open = at_++;
    auto inner = read_any(depth + 1);
    if (!inner || take(")")) return inner;
    if (at_ < text_.size()) return misplaced();
    at_ = open;
    return fail("this ( is never closed");
  }

  Part read_exists() {
    at_ += 6;
    if (!take("(")) return fail("exists is followed by a path in parentheses, as in exists(user)");
    auto node = std::make_unique<Node>();
    node->what = What::exists;
    auto operand = read_operand();
    if (!operand) return tl::unexpected(operand.error());
    if (!operand->is_path) {
      at_ = operand->at;
      return fail("exists asks for a path, and a constant is none");
    }
    node->left = std::move(*operand);
    if (!take(")")) return fail("a ) is missing here");
    return node;
  }

  Part read_comparison() {
    auto left = read_operand();
    if (!left) return tl::unexpected(left.error());
    skip_space();
    if (take("=~")) return read_match(std::move(*left));
    if (take_word("in")) return read_list(std::move(*left));
    for (const Operator& one : kOperators) {
      if (take(one.text)) return read_right(std::move(*left), one);
    }
    return no_operator(*left);
  }

  tl::unexpected<Error> no_operator(const Operand& left) {
    if (starts("=")) return fail("write == to compare");
    if (word() == "not") return fail("write not before the whole comparison: not (path in [...])");
    const bool ends = at_ >= text_.size() || text_[at_] == ')' || word() == "and" || word() == "or";
    if (!ends) return fail("an operator belongs here: == != < <= > >= =~ in");
    at_ = left.at;
    if (!left.is_path) return fail("a constant alone is not a condition");
    return fail("a path alone is not a condition: compare it, or write exists(…)");
  }

  Part read_right(Operand left, const Operator& op) {
    auto right = read_operand();
    if (!right) return tl::unexpected(right.error());
    if (!left.is_path && !right->is_path) {
      at_ = left.at;
      return fail("this compares two constants; a path is written without quotes around it");
    }
    if (op.what != What::equal) {
      for (const Operand* side : {&left, &*right}) {
        if (side->is_path || side->kind == Kind::number || side->kind == Kind::string) continue;
        at_ = side->at;
        return fail("only numbers and strings have an order");
      }
    }
    auto node = std::make_unique<Node>();
    node->what = op.what;
    node->left = std::move(left);
    node->right = std::move(*right);
    if (op.swapped) std::swap(node->left, node->right);
    if (op.negated) return negate(std::move(node));
    return node;
  }

  Result<void> need_path(const Operand& left) {
    if (left.is_path) return {};
    at_ = left.at;
    return fail("a path belongs here; it is written without quotes around it");
  }

  Part read_match(Operand left) {
    if (auto good = need_path(left); !good) return tl::unexpected(good.error());
    skip_space();
    const std::size_t begin = at_;
    if (!starts("\"") && !starts("'")) return fail("a pattern in quotes belongs here");
    auto pattern = read_pattern();
    if (!pattern) return tl::unexpected(pattern.error());
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kPatternMemory);
    auto node = std::make_unique<Node>();
    node->what = What::matches;
    node->pattern = std::make_unique<RE2>(*pattern, options);
    if (!node->pattern->ok()) {
      at_ = begin;
      return fail(fmt::format("this is not an RE2 pattern: {}", node->pattern->error()));
    }
    node->left = std::move(left);
    return node;
  }

  Part read_list(Operand left) {
    if (auto good = need_path(left); !good) return tl::unexpected(good.error());
    if (!take("[")) return fail("a list belongs here, as in [\"GET\", \"PUT\"]");
    auto node = std::make_unique<Node>();
    node->what = What::one_of;
    node->left = std::move(left);
    do {
      skip_space();
      if (starts("]")) return fail("a constant belongs here");
      auto operand = read_operand();
      if (!operand) return tl::unexpected(operand.error());
      if (operand->is_path) {
        at_ = operand->at;
        return fail("a list holds constants; a string is written in quotes");
      }
      node->list.push_back(std::move(*operand));
    } while (take(","));
    if (!take("]")) return fail("a , or ] belongs here");
    return node;
  }

  Result<Operand> read_operand() {
    skip_space();
    Operand operand;
    operand.at = at_;
    if (at_ >= text_.size()) return fail("a path or a constant is missing here");
    const char c = text_[at_];
    if (c == '"' || c == '\'') return read_string(std::move(operand));
    if (is_digit(c) || (c == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
      return read_number(std::move(operand));
    }
    const std::string_view keyword = word();
    if (keyword == "true" || keyword == "false" || keyword == "null") {
      operand.kind = keyword == "null" ? Kind::null : Kind::boolean;
      operand.text = keyword;
      at_ += keyword.size();
      return operand;
    }
    for (const std::string_view reserved : {"and", "or", "not", "in", "exists"}) {
      if (keyword != reserved) continue;
      return fail(
          fmt::format("a path or a constant belongs here; a field of this name is written "
                      ".\"{}\"",
                      reserved));
    }
    return read_path(std::move(operand));
  }

  Result<Operand> read_path(Operand operand) {
    if (!is_word(text_[at_]) && text_[at_] != '.') return fail("a path or a constant belongs here");
    std::size_t consumed = 0;
    auto path = json::Path::parse_prefix(text_.substr(at_), consumed);
    at_ += consumed;
    if (!path) return tl::unexpected(path.error());
    operand.is_path = true;
    operand.path = std::move(*path);
    return operand;
  }

  Result<Operand> read_number(Operand operand) {
    std::size_t end = at_;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.' || text_[end] == '+'))
      ++end;
    operand.kind = Kind::number;
    operand.text = text_.substr(at_, end - at_);
    if (!json::is_number(operand.text)) {
      return fail(
          "this is not a JSON number; a path that starts with a digit is written ."
          "\"404\", a string in quotes");
    }
    at_ = end;
    return operand;
  }

  // The text between the quotes here, escapes untouched.
  Result<std::string_view> read_quoted() {
    const std::size_t begin = at_++;
    const char quote = text_[begin];
    while (at_ < text_.size() && text_[at_] != quote) at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) {
      at_ = begin;
      return fail("this string has no end");
    }
    ++at_;
    return text_.substr(begin + 1, at_ - begin - 2);
  }

  Result<Operand> read_string(Operand operand) {
    auto inner = read_quoted();
    if (!inner) return tl::unexpected(inner.error());
    std::string content;
    for (std::size_t i = 0; i < inner->size(); ++i) {
      const bool escape = (*inner)[i] == '\\';
      if (escape && (*inner)[i + 1] != '\'') content += '\\';
      if (escape) ++i;
      content += (*inner)[i];
    }
    if (json::bad_escape(content) != std::string_view::npos) {
      at_ = operand.at;
      return fail("a backslash in a string starts an escape of JSON; itself it is written \\\\");
    }
    json::Arena arena;
    operand.kind = Kind::string;
    operand.text = json::decode(content, arena);
    return operand;
  }

  // Only the quote itself is unescaped: other backslashes are the pattern's.
  Result<std::string> read_pattern() {
    const char quote = text_[at_];
    auto inner = read_quoted();
    if (!inner) return tl::unexpected(inner.error());
    std::string pattern;
    for (std::size_t i = 0; i < inner->size(); ++i) {
      if ((*inner)[i] == '\\') {
        if ((*inner)[i + 1] != quote) pattern += '\\';
        ++i;
      }
      pattern += (*inner)[i];
    }
    return pattern;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// The line of `text` that holds `at`, with a caret under it.
std::string pointed(std::string_view text, std::size_t at, const std::string& what) {
  const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
  std::string pad;
  for (const char c : line.substr(0, at - begin)) {
    if ((c & '\xC0') == '\x80') continue;  // one column per character, not per byte
    pad += c == '\t' ? '\t' : ' ';
  }
  return fmt::format("the condition is wrong: {}\n  {}\n  {}^", what, line, pad);
}

}  // namespace

Result<Condition> Condition::parse(std::string_view text) {
  Parser parser(text);
  auto root = parser.parse();
  if (!root) return fail(pointed(text, parser.at(), root.error().what));
  return Condition(std::move(*root), std::string(text));
}

}  // namespace tailgate
