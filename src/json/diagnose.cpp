// SPDX-License-Identifier: Apache-2.0
#include "json/diagnose.h"

#include <vector>

#include "json/text.h"

namespace tailgate::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class Reader {
 public:
  Reader(std::string_view text, std::size_t max_depth) : text_(text), max_depth_(max_depth) {}

  std::optional<Flaw> read();

 private:
  enum class Next { value, first_or_close, comma_or_close };

  [[nodiscard]] bool ends() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return ends() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (ends() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool flaw(std::string_view what) {
    flaw_ = {at_, what};
    return false;
  }
  void blanks() {
    while (!ends() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool open(char bracket);
  bool close();
  bool name();
  bool scalar();
  bool word(std::string_view expected);
  bool number();
  bool string();
  bool escape();
  bool step(Next& next);

  std::string_view text_;
  std::size_t max_depth_;
  std::size_t at_ = 0;
  std::vector<char> open_;  // the closing brackets that are owed
  Flaw flaw_;
};

bool Reader::open(char bracket) {
  if (open_.size() >= max_depth_) return flaw("it is nested too deep");
  ++at_;
  open_.push_back(bracket == '{' ? '}' : ']');
  return true;
}

bool Reader::close() {
  if (!take(open_.back())) {
    if (ends()) return flaw("an object or array is not closed");
    if (peek() == '}' || peek() == ']') return flaw("the wrong bracket closes here");
    return flaw(open_.back() == '}' ? "a comma or } is missing" : "a comma or ] is missing");
  }
  open_.pop_back();
  return true;
}

bool Reader::name() {
  blanks();
  if (ends()) return flaw("an object or array is not closed");
  if (peek() != '"') return flaw("a name in quotes is missing");
  if (!string()) return false;
  blanks();
  return take(':') || flaw("a colon is missing after a name");
}

bool Reader::word(std::string_view expected) {
  if (text_.substr(at_, expected.size()) != expected)
    return flaw("a value is none of true, false and null, no number and no string");
  at_ += expected.size();
  return true;
}

bool Reader::number() {
  (void)take('-');
  if (!is_digit(peek())) return flaw("a number has no digits");
  if (take('0')) {
    if (is_digit(peek())) return flaw("a number has a leading zero");
  }
  while (is_digit(peek())) ++at_;
  if (take('.')) {
    if (!is_digit(peek())) return flaw("a number has no digits after its point");
    while (is_digit(peek())) ++at_;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (!take('+')) (void)take('-');
    if (!is_digit(peek())) return flaw("a number has no digits in its exponent");
    while (is_digit(peek())) ++at_;
  }
  return true;
}

bool Reader::escape() {
  if (ends()) return flaw("a string is not closed");
  if (take('u')) {
    for (int i = 0; i < 4; ++i) {
      if (!is_hex(peek())) return flaw("\\u needs four hexadecimal digits");
      ++at_;
    }
    return true;
  }
  if (std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos)
    return flaw("there is no such escape");
  ++at_;
  return true;
}

bool Reader::string() {
  ++at_;
  while (!ends()) {
    if (take('"')) return true;
    if (take('\\')) {
      if (!escape()) return false;
    } else if (static_cast<unsigned char>(peek()) < 0x20) {
      return flaw("a control character stands in a string without an escape");
    } else {
      const std::size_t size = utf8_length(text_, at_);
      if (size == 0) return flaw("it is not valid UTF-8");
      at_ += size;
    }
  }
  return flaw("a string is not closed");
}

bool Reader::scalar() {
  switch (peek()) {
    case '"':
      return string();
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      if (ends()) return flaw("a value is missing");
      if (peek() == '-' || is_digit(peek())) return number();
      if (peek() == ',' || peek() == '}' || peek() == ']') return flaw("a value is missing");
      return word("true");  // fails, and says that it is no value
  }
}

// One value, or one separator; containers are kept on a stack of their own, so depth costs no stack.
bool Reader::step(Next& next) {
  blanks();
  if (next == Next::comma_or_close) {
    if (!take(',')) return close();
    if (open_.back() == '}' && !name()) return false;
    next = Next::value;
    return true;
  }
  if (next == Next::first_or_close) {
    next = Next::comma_or_close;
    if (peek() == open_.back()) return close();
    if (open_.back() == '}' && !name()) return false;
    next = Next::value;
    return true;
  }
  if (peek() == '{' || peek() == '[') {
    next = Next::first_or_close;
    return open(peek());
  }
  next = Next::comma_or_close;
  return scalar();
}

std::optional<Flaw> Reader::read() {
  Next next = Next::value;
  do {
    if (!step(next)) return flaw_;
  } while (!open_.empty());
  blanks();
  if (ends()) return std::nullopt;
  return Flaw{at_, "more follows after the end"};
}

}  // namespace

std::optional<Flaw> find_flaw(std::string_view text, std::size_t max_depth) {
  return Reader(text, max_depth).read();
}

}  // namespace tailgate::json
