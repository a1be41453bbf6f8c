// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "settings/raw.h"

namespace tailgate::settings {
namespace {

using RawPtr = std::shared_ptr<Raw>;
constexpr int kDeepest = 500;

/// A small reader by recursive descent that gives up at the first byte that is not JSON: the YAML
/// reader then names it.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  RawPtr document() {
    RawPtr root = value(0);
    skip();
    return at_ == text_.size() ? root : nullptr;
  }

 private:
  void skip() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return;
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
    }
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    skip();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  RawPtr make(Node::Kind kind) {
    RawPtr raw = std::make_shared<Raw>();
    raw->kind = kind;
    raw->line = line_;
    raw->column = static_cast<int>(at_ - line_start_) + 1;
    return raw;
  }

  RawPtr value(int depth) {
    skip();
    if (depth > kDeepest) return nullptr;
    if (peek() == '{') return object(depth);
    if (peek() == '[') return array(depth);
    if (peek() == '"') return string();
    return literal();
  }
  RawPtr object(int depth) {
    RawPtr raw = make(Node::Kind::map);
    ++at_;
    if (take('}')) return raw;
    do {
      skip();
      RawPtr key = peek() == '"' ? string() : nullptr;
      if (!key || !take(':')) return nullptr;
      RawPtr member = value(depth + 1);
      if (!member) return nullptr;
      raw->members.emplace_back(std::move(key), std::move(member));
    } while (take(','));
    return take('}') ? raw : nullptr;
  }
  RawPtr array(int depth) {
    RawPtr raw = make(Node::Kind::list);
    ++at_;
    if (take(']')) return raw;
    do {
      RawPtr item = value(depth + 1);
      if (!item) return nullptr;
      raw->items.push_back(std::move(item));
    } while (take(','));
    return take(']') ? raw : nullptr;
  }
  RawPtr literal() {
    RawPtr raw = make(Node::Kind::scalar);
    const std::size_t end = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    raw->text = text_.substr(at_, end - at_);
    at_ = end;
    if (raw->text == "null") {
      raw->kind = Node::Kind::null;
      raw->text.clear();
      return raw;
    }
    const bool number = !raw->text.empty() &&
                        (raw->text[0] == '-' || (raw->text[0] >= '0' && raw->text[0] <= '9')) &&
                        raw->text.find_first_not_of("0123456789+-.eE") == std::string::npos;
    return number || raw->text == "true" || raw->text == "false" ? raw : nullptr;
  }
  RawPtr string() {
    RawPtr raw = make(Node::Kind::scalar);
    raw->quoted = true;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return raw;
      }
      if (static_cast<unsigned char>(c) < 0x20) return nullptr;
      if (c != '\\') {
        raw->text += c;
      } else if (!escape(raw->text)) {
        return nullptr;
      }
    }
    return nullptr;
  }
  bool escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    ++at_;
    if (peek() == 'u') return unicode(out);
    const std::size_t which = at_ < text_.size() ? kNames.find(text_[at_]) : std::string_view::npos;
    if (which == std::string_view::npos) return false;
    out += kBytes[which];
    return true;
  }
  /// Reads XXXX of \uXXXX, leaving at_ on its last digit.
  bool hex(std::uint32_t& code) {
    if (at_ + 4 >= text_.size()) return false;
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[++at_];
      const std::size_t digit = std::string_view("0123456789abcdef")
                                    .find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
      if (digit == std::string_view::npos) return false;
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    return true;
  }
  bool unicode(std::string& out) {
    std::uint32_t code = 0;
    if (!hex(code)) return false;
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_ + 1, 2) == "\\u") {
      const std::size_t back = at_;
      std::uint32_t low = 0;
      at_ += 2;
      if (!hex(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = back;
      }
    }
    append_utf8(code >= 0xD800 && code < 0xE000 ? 0xFFFD : code, out);
    return true;
  }
  static void append_utf8(std::uint32_t code, std::string& out) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | (code >> 6));
      put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      put(0xE0 | (code >> 12));
      put(0x80 | ((code >> 6) & 0x3F));
      put(0x80 | (code & 0x3F));
    } else {
      put(0xF0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3F));
      put(0x80 | ((code >> 6) & 0x3F));
      put(0x80 | (code & 0x3F));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
};

}  // namespace

std::shared_ptr<Raw> read_json(std::string_view text) {
  return JsonReader(text).document();
}

}  // namespace tailgate::settings
