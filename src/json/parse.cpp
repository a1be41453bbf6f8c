// SPDX-License-Identifier: Apache-2.0
#include "json/parse.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <memory_resource>
#include <string>
#include <unordered_map>
#include <utility>

#include "json/diagnose.h"
#include "json/scalar.h"
#include "json/text.h"

namespace tailgate::json {
namespace {

namespace sj = simdjson;

// simdjson on-demand checks no depth in release builds; beyond its 1,024 it writes out of bounds.
constexpr int kMaxDepth = 1000;

std::string_view trimmed(std::string_view token) {
  while (!token.empty()) {
    const char c = token.back();
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') break;
    token.remove_suffix(1);
  }
  return token;
}

// The text of a key, from behind its opening quote. simdjson 3.0.1 gives no length.
std::string_view key_text(const char* begin, const char* end) {
  const char* at = begin;
  while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
  return {begin, static_cast<std::size_t>(at - begin)};
}

std::string reason(sj::error_code code) {
  switch (code) {
    case sj::UTF8_ERROR:
      return "it is not valid UTF-8";
    case sj::UNCLOSED_STRING:
      return "a string is not closed";
    case sj::UNESCAPED_CHARS:
      return "a control character stands in a string without an escape";
    case sj::EMPTY:
      return "it is empty";
    case sj::DEPTH_ERROR:
      return "it is nested too deep";
    case sj::CAPACITY:
    case sj::MEMALLOC:
      return "it is too long";
    case sj::TRAILING_CONTENT:
      return "more follows after the end";
    case sj::INCORRECT_TYPE:
      return "it is not a JSON object";
    case sj::INCOMPLETE_ARRAY_OR_OBJECT:
      return "an object or array is not closed";
    default:
      return "a comma, a colon, a bracket or a value is missing or misplaced";
  }
}

// For what lives no longer than its event; nothing is given back before the arena is reset.
class ArenaMemory final : public std::pmr::memory_resource {
 public:
  explicit ArenaMemory(Arena& arena) : arena_(arena) {}

 private:
  void* do_allocate(std::size_t size, std::size_t align) override {
    return arena_.allocate(size, align);
  }
  void do_deallocate(void* /*memory*/, std::size_t /*size*/, std::size_t /*align*/) override {}
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  Arena& arena_;
};

// What is wrong, and where: thrown nowhere, carried up by return values.
struct Trouble {
  std::string what;
  const char* at = nullptr;
};

}  // namespace

struct Parser::Impl {
  sj::ondemand::parser parser;
  sj::ondemand::document document;
  Trouble trouble;
  const char* end = nullptr;
  Arena* arena = nullptr;
  int depth = 0;

  [[nodiscard]] bool broken(sj::error_code code) {
    const char* at = nullptr;
    if (document.current_location().get(at) != sj::SUCCESS) at = nullptr;
    trouble = {reason(code), at};
    return false;
  }
  [[nodiscard]] bool broken(std::string what, const char* at) {
    trouble = {std::move(what), at};
    return false;
  }

  // simdjson 3.0.1 has no document::at_end().
  bool at_end() {
    const char* at = nullptr;
    return document.current_location().get(at) == sj::OUT_OF_BOUNDS;
  }

  bool check_string(std::string_view inner) {
    const std::size_t bad = bad_escape(inner);
    if (bad == std::string_view::npos) return true;
    return broken("an escape is none of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
                  inner.data() + bad);
  }

  // Checks a scalar's token by RFC 8259: simdjson's raw tokens are not checked.
  bool scalar(std::string_view token, Value& out) {
    token = trimmed(token);
    out.raw = token;
    out.items = nullptr;
    switch (token.empty() ? '\0' : token.front()) {
      case '"':
        out.kind = Kind::string;
        if (token.size() < 2 || token.back() != '"') {
          return broken("a string is not closed", token.data());
        }
        return check_string(token.substr(1, token.size() - 2));
      case 't':
      case 'f':
        out.kind = Kind::boolean;
        if (token == "true" || token == "false") return true;
        break;
      case 'n':
        out.kind = Kind::null;
        if (token == "null") return true;
        break;
      default:
        out.kind = Kind::number;
        if (is_number(token)) return true;
    }
    return broken("a value is neither a number, a string, true, false nor null", token.data());
  }

  template <class OnDemandValue>
  bool value(OnDemandValue& from, Value& out) {
    sj::ondemand::json_type type{};
    if (const auto code = from.type().get(type)) return broken(code);
    if (type == sj::ondemand::json_type::object || type == sj::ondemand::json_type::array) {
      if (depth >= kMaxDepth) return broken(sj::DEPTH_ERROR);
      ++depth;
      const bool good = type == sj::ondemand::json_type::object ? nested_object(from, out)
                                                                : nested_array(from, out);
      --depth;
      return good;
    }
    std::string_view token;
    if (const auto code = sj::simdjson_result<std::string_view>(from.raw_json_token()).get(token)) {
      return broken(code);
    }
    // simdjson takes a string before a colon for a key, wherever it stands, and then skips what it should refuse.
    const char* next = token.data() + token.size();
    if (next < end && *next == ':') return broken("a colon stands after a value", next);
    return scalar(token, out);
  }

  // The text from `begin` to behind the container that was just walked through.
  std::string_view walked(const char* begin) {
    const char* next = nullptr;
    if (document.current_location().get(next) != sj::SUCCESS) next = end;
    return trimmed({begin, static_cast<std::size_t>(next - begin)});
  }

  template <class OnDemandValue>
  bool nested_object(OnDemandValue& from, Value& out) {
    std::string_view first;
    if (const auto code = sj::simdjson_result<std::string_view>(from.raw_json_token()).get(first)) {
      return broken(code);
    }
    sj::ondemand::object object;
    if (const auto code = from.get_object().get(object)) return broken(code);
    out.kind = Kind::object;
    out.items = arena->make<Container>();
    std::uint32_t duplicates = 0;
    if (!members(object, *out.items, duplicates)) return false;
    out.raw = closed(first.data(), '}');
    return true;
  }

  template <class OnDemandValue>
  bool nested_array(OnDemandValue& from, Value& out) {
    std::string_view first;
    if (const auto code = sj::simdjson_result<std::string_view>(from.raw_json_token()).get(first)) {
      return broken(code);
    }
    sj::ondemand::array array;
    if (const auto code = from.get_array().get(array)) return broken(code);
    out.kind = Kind::array;
    out.items = arena->make<Container>();
    for (auto item : array) {
      sj::ondemand::value inner;
      if (const auto code = item.get(inner)) return broken(code);
      auto* member = arena->make<Member>();
      if (!value(inner, member->value)) return false;
      out.items->append(member);
    }
    out.raw = closed(first.data(), ']');
    return true;
  }

  // Cuts at the closing bracket: what follows (a comma, the parent's end) is not ours.
  std::string_view closed(const char* begin, char bracket) {
    std::string_view text = walked(begin);
    while (!text.empty() && text.back() != bracket) text.remove_suffix(1);
    return text;
  }

  // Fills `into`; a duplicate replaces the value at the first one's place.
  bool members(sj::ondemand::object& object, Container& into, std::uint32_t& duplicates) {
    // Objects of an access log are narrow; a wide one must not cost the square of its width.
    constexpr std::uint32_t kWide = 64;
    ArenaMemory memory(*arena);
    std::pmr::unordered_map<std::string_view, Member*> index(&memory);
    std::uint64_t seen = 0;  // a filter of the names so far: most lines need no comparison at all
    for (auto item : object) {
      sj::ondemand::field field;
      if (const auto code = std::move(item).get(field)) return broken(code);
      const std::string_view key = key_text(field.key().raw(), end);
      std::string_view name = key;
      if (key.find('\\') != std::string_view::npos) {
        if (!check_string(key)) return false;
        name = decode(key, *arena);
      }
      const std::uint64_t bit = std::uint64_t{1} << (hash(name) & 63);
      Member* member = nullptr;
      if (into.size >= kWide) {
        if (index.empty()) {
          for (Member* one = into.first; one != nullptr; one = one->next)
            index.emplace(one->name, one);
        }
        const auto known = index.find(name);
        if (known != index.end()) member = known->second;
      } else if ((seen & bit) != 0) {
        member = into.find(name);
      }
      seen |= bit;
      if (member == nullptr) {
        member = arena->make<Member>();
        member->key = key;
        member->name = name;
        into.append(member);
        if (!index.empty()) index.emplace(name, member);
      } else {
        ++duplicates;
      }
      if (!value(field.value(), member->value)) return false;
    }
    return true;
  }

  static std::uint32_t hash(std::string_view name) {
    if (name.empty()) return 0;
    const std::size_t size = name.size();
    const auto at = [&](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(name[i]));
    };
    return static_cast<std::uint32_t>(size) * 31 + at(0) * 7 + at(size - 1) * 13 + at(size / 2) * 3;
  }

  [[nodiscard]] Error error(std::string_view text) const {
    if (const auto flaw = find_flaw(text, kMaxDepth);
        flaw && trouble.what != reason(sj::INCORRECT_TYPE))
      return {fmt::format("not valid JSON at column {}: {}", flaw->offset + 1, flaw->what)};
    std::size_t column = text.size();
    if (trouble.at != nullptr && trouble.at >= text.data() &&
        trouble.at <= text.data() + text.size()) {
      column = static_cast<std::size_t>(trouble.at - text.data());
    }
    return {fmt::format("not valid JSON at column {}: {}", column + 1, trouble.what)};
  }
};

Parser::Parser() : impl_(std::make_unique<Impl>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

Result<void> Parser::parse(std::string_view line, Event& event) {
  Impl& impl = *impl_;
  impl.arena = &event.arena();
  impl.end = line.data() + line.size();
  impl.trouble = {};
  impl.depth = 1;  // the event itself
  const auto failed = [&](sj::error_code code) {
    impl.trouble = {reason(code), nullptr};
    return tl::unexpected<Error>(impl.error(line));
  };
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return failed(sj::EMPTY);
  if (line[first] != '{') {
    impl.trouble = {reason(sj::INCORRECT_TYPE), line.data() + first};
    return tl::unexpected<Error>(impl.error(line));
  }
  const auto iterated =
      impl.parser.iterate(line.data(), line.size(), line.size() + kPadding).get(impl.document);
  if (iterated != sj::SUCCESS) return failed(iterated);
  sj::ondemand::object object;
  const auto opened = impl.document.get_object().get(object);
  if (opened != sj::SUCCESS) return failed(opened);
  if (!impl.members(object, event.root(), event.duplicate_keys)) {
    return tl::unexpected<Error>(impl.error(line));
  }
  if (!impl.at_end()) {
    (void)impl.broken(sj::TRAILING_CONTENT);
    return tl::unexpected<Error>(impl.error(line));
  }
  return {};
}

Result<Value> Parser::parse_value(std::string_view text, Arena& arena) {
  Impl& impl = *impl_;
  const std::string_view own = [&] {
    char* copy = arena.bytes(text.size() + kPadding);
    if (!text.empty()) std::memcpy(copy, text.data(), text.size());
    std::memset(copy + text.size(), 0, kPadding);
    return std::string_view(copy, text.size());
  }();
  impl.arena = &arena;
  impl.end = own.data() + own.size();
  impl.trouble = {};
  impl.depth = 0;
  const auto failed = [&]() { return tl::unexpected<Error>(impl.error(own)); };
  const auto iterated =
      impl.parser.iterate(own.data(), own.size(), own.size() + kPadding).get(impl.document);
  if (iterated != sj::SUCCESS) {
    impl.trouble = {reason(iterated), nullptr};
    return failed();
  }
  Value out;
  sj::ondemand::value root;
  if (impl.document.get_value().get(root) == sj::SUCCESS) {
    if (!impl.value(root, out)) return failed();
    if (!impl.at_end()) {
      (void)impl.broken(sj::TRAILING_CONTENT);
      return failed();
    }
    return out;
  }
  // A lone scalar: its token is the whole text.
  const std::size_t first = own.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return failed();
  const std::string_view token = trimmed(own.substr(first));
  // Not `"a" "b"`.
  if (token.front() == '"' && key_text(token.data() + 1, impl.end).size() + 2 != token.size())
    return failed();
  if (!impl.scalar(token, out)) return failed();
  return out;
}

}  // namespace tailgate::json
