// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "filters/registry.h"
#include "pipeline/build.h"
#include "pipeline/tables.h"

namespace tailgate::pipeline {
namespace {

const FilterEntry* find_filter(std::string_view name) {
  for (const FilterEntry& entry : filters::table()) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string unknown_filter(std::string_view name) {
  std::vector<std::string_view> names;
  for (const FilterEntry& entry : filters::table()) names.push_back(entry.name);
  const std::string_view close = settings::did_you_mean(name, names);
  if (!close.empty())
    return fmt::format("there is no filter \"{}\"; did you mean {}?", name, close);
  return fmt::format("there is no filter \"{}\"", name);
}

bool is_step_option(std::string_view name) {
  for (const settings::Option& option : filter_step_options()) {
    if (option.name == name) return true;
  }
  return false;
}

// What a further key beside a filter's name may have been meant as.
std::string one_filter(const std::string& key) {
  if (find_filter(key) != nullptr) {
    return fmt::format("a list item holds one filter; \"{}\" needs a `-` of its own", key);
  }
  std::vector<std::string_view> names;
  for (const settings::Option& option : filter_step_options()) names.push_back(option.name);
  const std::string_view close = settings::did_you_mean(key, names);
  return close.empty() ? std::string("unknown option")
                       : fmt::format("unknown option; did you mean {}?", close);
}

OnError on_error_of(const std::string& text) {
  if (text == "keep") return OnError::keep;
  return text == "drop" ? OnError::drop : OnError::dead_letter;
}

// `- drop_nulls` and `- drop_nulls: {…}` with `when` and `on_error` beside the name.
std::optional<Chain::Step> build_step(const settings::Node& item, settings::Problems& problems) {
  std::string name;
  settings::Node options;
  settings::Node where = item;
  if (item.is_scalar()) {
    name = item.text();
  } else {
    for (const auto& [key, value] : item.members()) {
      if (is_step_option(key.text())) continue;
      if (!name.empty()) {
        problems.add(key, one_filter(key.text()));
        return std::nullopt;
      }
      name = key.text();
      options = value;
      where = key;
    }
  }
  if (name.empty()) {
    problems.add(item, "a filter is missing: write `- name: {options}`");
    return std::nullopt;
  }
  const FilterEntry* entry = find_filter(name);
  if (entry == nullptr) {
    problems.add(where, unknown_filter(name));
    return std::nullopt;
  }
  Chain::Step step;
  step.name = name;
  const settings::Section section(options.given() ? options : settings::Node{}, entry->options,
                                  problems);
  step.filter = entry->make(section);
  const settings::Node when = item.is_map() ? item.at("when") : settings::Node{};
  if (when.is_map() || when.is_list()) {
    problems.add(when, "{ } or [ ] without quotes is YAML; quote the condition");
  } else if (when.given()) {
    auto condition = Condition::parse(when.text());
    if (condition.has_value()) {
      step.when = std::move(*condition);
    } else {
      problems.add(when, condition.error().what);
    }
  }
  const settings::Node on_error = item.is_map() ? item.at("on_error") : settings::Node{};
  if (on_error.given()) {
    const std::string& text = on_error.text();
    if (text != "dead_letter" && text != "keep" && text != "drop") {
      problems.add(on_error, fmt::format("\"{}\" is none of dead_letter, keep, drop", text));
    }
    step.on_error = on_error_of(text);
  }
  if (step.filter == nullptr) return std::nullopt;
  return step;
}

}  // namespace

Chain build_chain(const settings::Node& list, settings::Problems& problems) {
  std::vector<Chain::Step> steps;
  if (!list.given()) return {};
  if (!list.is_list()) {
    problems.add(list, "a list of filters is needed: `- name: {options}`");
    return {};
  }
  for (const settings::Node& item : list.items()) {
    if (!item.is_map() && !item.is_scalar()) {
      problems.add(item, "a filter is needed: `- name: {options}`");
      continue;
    }
    std::optional<Chain::Step> step = build_step(item, problems);
    if (step) steps.push_back(std::move(*step));
  }
  return Chain(std::move(steps));
}

}  // namespace tailgate::pipeline
