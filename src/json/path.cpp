// SPDX-License-Identifier: Apache-2.0
#include "json/path.h"

#include <fmt/format.h>

#include "json/write.h"

namespace tailgate::json {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-' ||
         c == '$' || c == '@';
}

Path::Segment named(std::string_view name) {
  Path::Segment segment;
  segment.name = name;
  std::string quoted;
  write_string(name, quoted);
  segment.key = quoted.substr(1, quoted.size() - 2);
  return segment;
}

/// Reads one path from the start of a text. `at` is the next byte, and on an error the place of
/// what is wrong.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<Path::Segment>> read() {
    std::vector<Path::Segment> segments;
    auto first = read_first();
    if (!first) return tl::unexpected(first.error());
    segments.push_back(std::move(*first));
    while (peek() == '.' || peek() == '[') {
      auto next = peek() == '.' ? read_member() : read_index();
      if (!next) return tl::unexpected(next.error());
      segments.push_back(std::move(*next));
    }
    return segments;
  }

  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  Result<Path::Segment> read_first() {
    if (peek() == '"') {
      return fail("a quoted first segment is written after a dot, as in .\"oslo.message\"");
    }
    if (peek() == '.' && peek(1) != '"') {
      return fail("a path starts with a name, or with a dot and a quoted name");
    }
    if (peek() == '[') return fail("a path starts with a name: an event is an object");
    if (peek() == '.') return read_member();
    return read_bare();
  }

  Result<Path::Segment> read_member() {
    ++at_;
    return peek() == '"' ? read_quoted() : read_bare();
  }

  Result<Path::Segment> read_bare() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_bare(text_[at_])) ++at_;
    if (at_ > begin) return named(text_.substr(begin, at_ - begin));
    if (at_ >= text_.size()) return fail("a name is missing");
    if (peek() == '.')
      return fail("a name is missing before this dot; an empty one is written \"\"");
    return fail("a name holds letters, digits, _ - $ @; others are written in double quotes");
  }

  Result<Path::Segment> read_quoted() {
    const std::size_t begin = at_++;
    std::string name;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        if (peek(1) != '"' && peek(1) != '\\') {
          return fail("in a quoted name a backslash is followed by \" or \\");
        }
        ++at_;
      }
      name += text_[at_++];
    }
    if (at_ >= text_.size()) {
      at_ = begin;
      return fail("this quoted name has no end");
    }
    ++at_;
    return named(name);
  }

  Result<Path::Segment> read_index() {
    const std::size_t begin = at_++;
    constexpr std::size_t kMaxDigits = 9;
    std::int64_t index = 0;
    while (is_digit(peek()) && at_ - begin <= kMaxDigits) index = index * 10 + (text_[at_++] - '0');
    if (at_ == begin + 1) return fail("an element is a whole number from 0, as in tags[0]");
    if (peek() != ']') return fail("a ] is missing here");
    ++at_;
    Path::Segment segment;
    segment.index = index;
    return segment;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_quoted(std::string_view name, std::string& out) {
  out += '"';
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

Result<Path> Path::parse_prefix(std::string_view text, std::size_t& consumed) {
  Reader reader(text);
  auto segments = reader.read();
  consumed = reader.at();
  if (!segments) return tl::unexpected(segments.error());
  Path path;
  path.segments_ = std::move(*segments);
  return path;
}

Result<Path> Path::parse(std::string_view text) {
  std::size_t consumed = 0;
  auto path = parse_prefix(text, consumed);
  if (path && consumed == text.size()) return path;
  const std::string what =
      path ? "a dot, a [ or the end belongs here; names with other characters are quoted"
           : path.error().what;
  return fail(fmt::format("the path '{}' is wrong at column {}: {}", text, consumed + 1, what));
}

Path Path::of(const std::vector<std::string_view>& names) {
  Path path;
  path.segments_.reserve(names.size());
  for (const std::string_view name : names) path.segments_.push_back(named(name));
  return path;
}

std::string Path::text() const {
  std::string out;
  for (const Segment& segment : segments_) {
    if (segment.index >= 0) {
      out += fmt::format("[{}]", segment.index);
      continue;
    }
    bool bare = !segment.name.empty();
    for (const char c : segment.name) bare = bare && is_bare(c);
    if (!out.empty() || !bare) out += '.';
    if (bare) {
      out += segment.name;
    } else {
      append_quoted(segment.name, out);
    }
  }
  return out;
}

bool Path::within(const Path& other) const {
  if (other.segments_.size() > segments_.size()) return false;
  for (std::size_t i = 0; i < other.segments_.size(); ++i) {
    if (!(segments_[i] == other.segments_[i])) return false;
  }
  return true;
}

}  // namespace tailgate::json
