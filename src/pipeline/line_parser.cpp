// SPDX-License-Identifier: Apache-2.0
#include "pipeline/line_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "json/text.h"

namespace tailgate::pipeline {
namespace {

// A copy in the arena with readable bytes behind it.
std::string_view with_padding(std::string_view text, json::Arena& arena) {
  char* copy = arena.bytes(text.size() + json::kPadding);
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  std::memset(copy + text.size(), 0, json::kPadding);
  return {copy, text.size()};
}

std::string_view with_valid_utf8(std::string_view text, json::Arena& arena) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  char* const begin = arena.bytes(text.size() * kReplacement.size() + json::kPadding);
  char* out = begin;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = json::utf8_length(text, at);
    const std::string_view piece = size == 0 ? kReplacement : text.substr(at, size);
    std::memcpy(out, piece.data(), piece.size());
    out += piece.size();
    at += size == 0 ? 1 : size;
  }
  std::memset(out, 0, json::kPadding);
  return {begin, static_cast<std::size_t>(out - begin)};
}

Result<std::string_view> bytes_of(const json::Value& array, std::string_view name,
                                  json::Arena& arena) {
  const std::uint32_t size = array.items->size;
  char* const begin = arena.bytes(size + json::kPadding);
  char* out = begin;
  for (const json::Member* one = array.items->first; one != nullptr; one = one->next) {
    const std::string_view digits = one->value.raw;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || value > 0xff)
      return fail(fmt::format("the wrapper's \"{}\" is neither a text nor bytes", name));
    *out++ = static_cast<char>(value);
  }
  std::memset(out, 0, json::kPadding);
  return std::string_view(begin, size);
}

// Of JSON: its line ends stand between tokens. An event leaves as one line, though a wrapper can hold several.
std::string_view as_one_line(std::string_view text, json::Arena& arena) {
  char* const begin = arena.bytes(text.size() + json::kPadding);
  char* const end = std::replace_copy(text.begin(), text.end(), begin, '\n', ' ');
  std::memset(end, 0, json::kPadding);
  return {begin, text.size()};
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = json::utf8_length(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::size_t first_visible(std::string_view text) {
  return text.find_first_not_of(" \t\r\n");
}

}  // namespace

Result<std::string_view> LineParser::member_text(std::string_view text, std::string_view name,
                                                 json::Arena& arena) {
  json::Event outer(arena);
  const Result<void> parsed = wrapper_.parse(text, outer);
  if (!parsed.has_value()) return tl::unexpected<Error>(parsed.error());
  const json::Member* member = outer.root().find(name);
  // journald writes an array of byte values where a text holds what is not printable
  // (systemd, "Journal Export Formats", JSON).
  if (member != nullptr && member->value.kind == json::Kind::array)
    return bytes_of(member->value, name, arena);
  if (member == nullptr || member->value.kind != json::Kind::string) {
    return fail(fmt::format("the wrapper has no text in \"{}\"", name));
  }
  std::string_view inner = json::text_of(member->value, arena);
  while (!inner.empty() && (inner.back() == '\n' || inner.back() == '\r')) inner.remove_suffix(1);
  return with_padding(inner, arena);
}

Result<std::string_view> LineParser::unwrapped(std::string_view text, json::Arena& arena) {
  Format format = rules_.format;
  if (format == Format::automatic) {
    format = Format::json;
    if (!text.empty() && text[0] >= '0' && text[0] <= '9' &&
        cri_message(text) != std::string_view::npos) {
      format = Format::cri;
    } else if (text.starts_with(kDockerBegin)) {
      format = Format::docker;
    }
  }
  switch (format) {
    case Format::cri: {
      const std::size_t begin = cri_message(text);
      if (begin == std::string_view::npos)
        return fail("not a CRI line: no `time stream tag` in front");
      return text.substr(begin);
    }
    case Format::docker:
      return member_text(text, "log", arena);
    case Format::journald:
      return member_text(text, "MESSAGE", arena);
    default:
      return text;
  }
}

Result<LineParser::Parsed> LineParser::not_json(std::string_view text, json::Event& event) const {
  switch (rules_.not_json) {
    case NotJson::skip:
      return Parsed::skipped;
    case NotJson::pass:
      event.root().changed = true;
      event.root().append(
          json::make_member("message", json::string_value(text, event.arena()), event.arena()));
      return Parsed::event;
    case NotJson::dead_letter:
      break;
  }
  return fail("not JSON: the line does not start with {");
}

Result<std::string_view> LineParser::unwrap_closely(const Line& line, json::Arena& arena) {
  if (line.problem == Line::Problem::too_long) return fail("longer than max_line_bytes");
  if (line.problem == Line::Problem::torn)
    return fail("a part of a line whose other parts are too far away, or did not come in time");
  const bool in_parts = line.joined && rules_.format != Format::json;
  Result<std::string_view> text = in_parts ? joined(line.text, arena) : unwrapped(line.text, arena);
  if (text.has_value()) *text = without_prefix(*text);
  return text;
}

Result<std::string_view> LineParser::joined(std::string_view text, json::Arena& arena) {
  // What is unwrapped is never longer.
  char* const begin = arena.bytes(text.size() + json::kPadding);
  char* out = begin;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    // A JSON wrapper is parsed where readable bytes stand behind it, and they do: of the next part, or of the padding.
    Result<std::string_view> piece = unwrapped(text.substr(at, end - at), arena);
    if (!piece.has_value()) return piece;
    out = std::copy(piece->begin(), piece->end(), out);
    at = end + 1;
  }
  std::memset(out, 0, json::kPadding);
  return std::string_view(begin, static_cast<std::size_t>(out - begin));
}

std::string_view LineParser::without_prefix(std::string_view text) const {
  const std::size_t brace = rules_.skip_prefix ? text.find('{') : std::string_view::npos;
  return brace == std::string_view::npos ? text : text.substr(brace);
}

Result<LineParser::Parsed> LineParser::parse(std::string_view text, json::Event& event) {
  if (rules_.format == Format::automatic && text.find(kJournaldKey) != std::string_view::npos) {
    const Result<std::string_view> message = member_text(text, "MESSAGE", event.arena());
    if (!message.has_value()) return tl::unexpected<Error>(message.error());
    text = without_prefix(*message);
  }
  const std::size_t first = first_visible(text);
  if (first == std::string_view::npos || text[first] != '{') return not_json(text, event);
  Result<void> parsed = parser_.parse(text, event);
  const auto parse_anew = [&](std::string_view other) {
    text = other;
    event.root() = {};
    event.duplicate_keys = 0;
    parsed = parser_.parse(text, event);
  };
  if (!parsed.has_value() && rules_.replace_invalid_utf8 && !is_valid_utf8(text))
    parse_anew(with_valid_utf8(text, event.arena()));
  if (parsed.has_value() && text.find('\n') != std::string_view::npos)
    parse_anew(as_one_line(text, event.arena()));
  if (!parsed.has_value()) return tl::unexpected<Error>(parsed.error());
  return Parsed::event;
}

}  // namespace tailgate::pipeline
