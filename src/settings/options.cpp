// SPDX-License-Identifier: Apache-2.0
#include "settings/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>

#include "settings/check.h"

namespace tailgate::settings {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment (Levenshtein plus swapped neighbours) in three rows.
  std::vector<std::size_t> before;
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

/// Spelt another way: max-events, maxEvents.
std::string folded(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c != '-' && c != '_' && c != '.')
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return out;
}

std::string unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

/// A default such as `[client_id, azp]`.
std::vector<std::string> default_list(std::string_view text) {
  std::vector<std::string> out;
  if (!text.starts_with('[') || !text.ends_with(']')) {
    if (!text.empty()) out.push_back(unquoted(text));
    return out;
  }
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, end);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) out.push_back(unquoted(item));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string unknown(std::string_view word, OptionTable table) {
  std::vector<std::string_view> names;
  for (const Option& option : table) names.push_back(option.name);
  const std::string_view near = did_you_mean(word, names);
  if (!near.empty()) return fmt::format("unknown option; did you mean {}?", near);
  if (names.empty()) return "unknown option; there are none here";
  return fmt::format("unknown option; those here are {}", fmt::join(names, ", "));
}

}  // namespace

std::string_view did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
  const std::string plain = folded(word);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(plain.size() / 3, 1) + 1;
  for (const std::string_view name : names) {
    const std::string candidate = folded(name);
    // A start is enough when it says something: `compress` for `compression`.
    const bool start =
        plain.size() >= 4 &&
        (candidate.starts_with(plain) || (candidate.size() >= 4 && plain.starts_with(candidate)));
    const std::size_t distance = start ? std::min<std::size_t>(1, edit_distance(plain, candidate))
                                       : edit_distance(plain, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

Section::Section(Node node, OptionTable table, Problems& problems)
    : node_(std::move(node)), table_(table), problems_(&problems) {
  if (node_.given() && !node_.is_map()) {
    problems.add(node_, node_.is_list() ? "expected a map of options, found a list"
                                        : "expected a map of options, found a text");
    return;
  }
  const auto named = [&](std::string_view name) {
    return std::find_if(table.begin(), table.end(),
                        [&](const Option& option) { return option.name == name; });
  };
  const auto free = named(kAnyKey);
  for (const auto& [key, value] : node_.members()) {
    if (named(key.text()) != table.end()) continue;
    if (free == table.end()) {
      problems.add(key, unknown(key.text(), table));
    } else if (value.given()) {
      for (const Wrong& wrong : check_value(value, *free)) problems.refuse(wrong.where, wrong.what);
    }
  }
  for (const Option& option : table) {
    if (option.name == kAnyKey) continue;
    const Node value = node_.at(option.name);
    if (!value.given()) {
      if (option.required) problems.add(value, "is required");
      continue;
    }
    for (const Wrong& wrong : check_value(value, option)) problems.refuse(wrong.where, wrong.what);
  }
}

const Option& Section::option(std::string_view name) const {
  for (const Option& candidate : table_) {
    if (candidate.name == name) return candidate;
  }
  fmt::print(stderr, "BUG: the option {} of {} is in no table\n", name, node_.path());
  std::abort();
}

bool Section::given(std::string_view name) const {
  return node_.at(option(name).name).given();
}

Node Section::node(std::string_view name) const {
  return node_.at(option(name).name);
}

std::string Section::text(std::string_view name) const {
  const Node value = node(name);
  return value.is_scalar() ? value.text() : unquoted(option(name).default_text);
}

bool Section::flag(std::string_view name) const {
  const Node value = node(name);
  const bool good =
      value.is_scalar() && !value.quoted() && (value.text() == "true" || value.text() == "false");
  return good ? value.text() == "true" : option(name).default_text == "true";
}

std::int64_t Section::integer(std::string_view name) const {
  const Node value = node(name);
  const std::optional<std::int64_t> number =
      value.is_scalar() ? parse_integer(value.text()) : std::nullopt;
  return number ? *number : parse_integer(option(name).default_text).value_or(0);
}

Bytes Section::bytes(std::string_view name) const {
  const Node value = node(name);
  const Result<Bytes> size = value.is_scalar() ? parse_bytes(value.text()) : fail({});
  return size ? *size : parse_bytes(option(name).default_text).value_or(0);
}

Millis Section::duration(std::string_view name) const {
  const Node value = node(name);
  const Result<Millis> time = value.is_scalar() ? parse_duration(value.text()) : fail({});
  return time ? *time : parse_duration(option(name).default_text).value_or(Millis(0));
}

std::vector<std::string> Section::texts(std::string_view name) const {
  const Node value = node(name);
  if (value.is_scalar()) return {value.text()};
  if (!value.is_list()) return default_list(option(name).default_text);
  std::vector<std::string> out;
  for (const Node& item : value.items()) {
    if (item.is_scalar()) out.push_back(item.text());
  }
  return out;
}

std::string Section::file(std::string_view name) const {
  const std::filesystem::path path = text(name);
  if (path.empty() || path.is_absolute()) return path.string();
  return (std::filesystem::path(node(name).location().file).parent_path() / path).string();
}

std::vector<std::pair<std::string, std::string>> Section::pairs(std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> out;
  const Node map = node(name);  // named: a temporary would be gone while its members are read
  for (const auto& [key, value] : map.members()) {
    if (value.is_scalar()) out.emplace_back(key.text(), value.text());
  }
  return out;
}

void Section::problem(std::string_view name, std::string what) const {
  problems_->add(node(name), std::move(what));
}

}  // namespace tailgate::settings
