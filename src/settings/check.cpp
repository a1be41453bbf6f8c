// SPDX-License-Identifier: Apache-2.0
#include "settings/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "settings/address.h"

namespace tailgate::settings {
namespace {

/// The value as a message may repeat it.
std::string shown(const Node& value, const Option& option) {
  return value.secret() || option.secret ? "the value put in for ${…}"
                                         : fmt::format("\"{}\"", value.text());
}

std::string_view found(const Node& value) {
  if (value.is_map()) return "a map";
  if (value.is_list()) return "a list";
  return value.is_scalar() ? "a text" : "nothing";
}

std::string_view expected(const Option& option) {
  switch (option.type) {
    case Type::boolean:
      return "true or false";
    case Type::integer:
      return "a whole number";
    case Type::bytes:
      return "a size such as 90KiB";
    case Type::duration:
      return "a duration such as 30s";
    case Type::text_or_list:
      return "a text or a list of texts";
    case Type::text_map:
      return "a map of names and texts";
    case Type::condition:
      return "a condition, which is a text";
    case Type::text_template:
      return "a template, which is a text";
    case Type::path:
      return "a path, which is a text";
    case Type::listen:
      return "host:port or none";
    default:
      return "a text";
  }
}

/// `{meta.stream}` without quotes is a map with one key and no value. As it was meant, or nothing.
std::optional<std::string> braces_as_text(const Node& value) {
  if (!value.is_map() || value.members().size() != 1) return std::nullopt;
  const auto& [key, member] = value.members().front();
  if (member.is_map() || member.is_list()) return std::nullopt;
  if (member.kind() == Node::Kind::null) return fmt::format("{{{}}}", key.text());
  return fmt::format("{{{}: {}}}", key.text(), member.secret() ? "…" : member.text());
}

std::string not_a_scalar(const Node& value, const Option& option) {
  const bool braces_mean_something =
      option.type == Type::text_template || option.type == Type::condition;
  const std::optional<std::string> meant = braces_as_text(value);
  if (value.is_map() && meant && option.type != Type::boolean && option.type != Type::integer) {
    return fmt::format("{{ }} without quotes is a YAML map; quote it: `{}: \"{}\"`", option.name,
                       *meant);
  }
  if (value.is_map() && braces_mean_something) {
    return fmt::format("expected {}, found a map; quote it, such as `{}: \"{{meta.stream}}\"`",
                       expected(option), option.name);
  }
  return fmt::format("expected {}, found {}", expected(option), found(value));
}

std::optional<std::string> check_boolean(const Node& value, const Option& option) {
  const std::string& text = value.text();
  const bool right = text == "true" || text == "false";
  if (right && !value.quoted()) return std::nullopt;
  if (right)
    return fmt::format("expected true or false, found the text \"{}\"; remove the quotes", text);
  constexpr std::array<std::string_view, 8> kYes = {"yes", "Yes", "YES",  "on",
                                                    "On",  "ON",  "True", "TRUE"};
  constexpr std::array<std::string_view, 8> kNo = {"no",  "No",  "NO",    "off",
                                                   "Off", "OFF", "False", "FALSE"};
  const auto meant = [&](const auto& words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  std::string hint;
  if (meant(kYes)) hint = "; write true";
  if (meant(kNo)) hint = "; write false";
  return fmt::format("expected true or false (yes, no, on and off are texts here), found {}{}",
                     shown(value, option), hint);
}

std::optional<std::string> check_choice(const Node& value, const Option& option) {
  const std::vector<std::string_view> choices = split_choices(option.choices);
  if (std::find(choices.begin(), choices.end(), value.text()) != choices.end()) return std::nullopt;
  const std::string_view near = did_you_mean(value.text(), choices);
  return fmt::format("{} is none of {}{}", shown(value, option), fmt::join(choices, ", "),
                     near.empty() ? "" : fmt::format("; did you mean {}?", near));
}

std::optional<std::string> check_scalar(const Node& value, const Option& option) {
  const bool secret = value.secret() || option.secret;
  const auto unit = [&](const std::string& what) {
    return secret ? fmt::format("expected {}; {} is none", expected(option), shown(value, option))
                  : what;
  };
  switch (option.type) {
    case Type::boolean:
      return check_boolean(value, option);
    case Type::choice:
      return check_choice(value, option);
    case Type::integer:
      if (value.quoted())
        return fmt::format("expected a whole number, found the text {}; remove the quotes",
                           shown(value, option));
      if (!parse_integer(value.text()))
        return fmt::format("expected a whole number, found {}", shown(value, option));
      return std::nullopt;
    case Type::bytes:
      if (const Result<Bytes> size = parse_bytes(value.text()); !size) {
        return unit(size.error().what);
      } else if (*size == 0 && option.positive) {
        return "must be more than 0";
      }
      return std::nullopt;
    case Type::duration:
      if (const Result<Millis> time = parse_duration(value.text()); !time) {
        return unit(time.error().what);
      } else if (time->count() == 0 && option.positive) {
        return "must be more than 0";
      }
      return std::nullopt;
    case Type::listen:
      if (const auto address = Address::parse(value.text()); !address && value.text() != "none")
        return unit(address.error().what);
      return std::nullopt;
    default:
      if (value.text().empty() && option.required) return "must not be empty";
      if (value.text().empty() && option.type == Type::condition)
        return "an empty condition; leave it out";
      return std::nullopt;
  }
}

void check_each(const Node& value, const Option& option, std::vector<Wrong>& wrong) {
  if (value.is_list() && value.items().empty() && option.required)
    wrong.push_back({value, "must not be empty"});
  for (const Node& item : value.items()) {
    if (item.is_scalar() && item.text().empty()) wrong.push_back({item, "must not be empty"});
    if (!item.is_scalar())
      wrong.push_back({item, fmt::format("expected a text, found {}", found(item))});
  }
  for (const auto& [key, member] : value.members()) {
    if (member.is_scalar()) continue;
    const std::optional<std::string> meant = braces_as_text(member);
    wrong.push_back(
        {member, meant ? fmt::format("{{ }} without quotes is a YAML map; quote it: `{}: \"{}\"`",
                                     key.text(), *meant)
                       : fmt::format("expected a text, found {}", found(member))});
  }
}

}  // namespace

std::vector<std::string_view> split_choices(std::string_view choices) {
  std::vector<std::string_view> out;
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    out.push_back(choices.substr(0, end));
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return out;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<Wrong> check_value(const Node& value, const Option& option) {
  std::vector<Wrong> wrong;
  if (option.type == Type::any) return wrong;
  if ((option.type == Type::text_map && value.is_map()) ||
      (option.type == Type::text_or_list && value.is_list())) {
    check_each(value, option, wrong);
  } else if (option.type == Type::text_map || !value.is_scalar()) {
    wrong.push_back({value, not_a_scalar(value, option)});
  } else if (const std::optional<std::string> what = check_scalar(value, option)) {
    wrong.push_back({value, *what});
  }
  return wrong;
}

}  // namespace tailgate::settings
