// SPDX-License-Identifier: Apache-2.0
#include "app/pipe_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "app/pipe_text.h"
#include "json/write.h"

namespace tailgate::app {
namespace {

// `client_id`, `jwt:http.request_headers.authorization`, several with commas.
std::string client_id_filter(const std::string& from) {
  std::string list;
  for (const std::string& one : split(from, ',')) {
    const std::size_t colon = one.find(':');
    const std::string kind = one.substr(0, colon);
    if (!list.empty()) list += ", ";
    if (colon != std::string::npos && (kind == "jwt" || kind == "basic" || kind == "oauth1")) {
      list += fmt::format("{{{}: {}}}", kind, yaml_text(one.substr(colon + 1)));
    } else {
      list += yaml_text(one);
    }
  }
  return fmt::format("  - add_client_id: {{from: [{}]}}", list);
}

Result<void> add_filters(const std::vector<PipeStep>& steps, PipeYaml& yaml) {
  if (!steps.empty()) yaml.add("", "filters:");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& [flag, value] = steps[i];
    if (flag == "--unflatten" && i + 1 < steps.size() && steps[i + 1].first == "--schema") {
      yaml.add(flag, "  - unflatten:");
      yaml.add(flag, "      separator: " + yaml_text(value));
      yaml.add("--schema", "      schema: " + yaml_text(steps[++i].second));
    } else if (flag == "--unflatten") {
      yaml.add(flag, fmt::format("  - unflatten: {{separator: {}}}", yaml_text(value)));
    } else if (flag == "--schema") {
      return fail("--schema goes right behind the --unflatten that it guides");
    } else if (flag == "--drop-nulls") {
      yaml.add(flag, "  - drop_nulls: {}");
    } else if (flag == "--client-id") {
      yaml.add(flag, client_id_filter(value));
    } else if (flag == "--set") {
      const std::size_t equals = value.find('=');
      if (equals == std::string::npos || equals == 0) {
        return fail(fmt::format("--set {}: write --set PATH=VALUE", value));
      }
      yaml.add(flag, fmt::format("  - set: {{{}: {}}}", yaml_text(value.substr(0, equals)),
                                 yaml_text(value.substr(equals + 1))));
    } else if (flag == "--where") {
      yaml.add(flag, fmt::format("  - where: {{condition: {}}}", yaml_text(value)));
    }
  }
  return {};
}

bool is_word(const std::string& not_json) {
  return not_json == "show" || not_json == "skip" || not_json == "pass";
}

Result<void> add_source(const PipeOptions& options, PipeYaml& yaml) {
  for (const std::string& file : options.files) {
    if (file.empty()) return fail("FILE: the name of a file is empty");
  }
  const auto dashes = std::count(options.files.begin(), options.files.end(), "-");
  if (dashes > 0 && options.files.size() > 1)
    return fail("FILE: - is stdin, which is read alone, without other files");
  const bool from_stdin = options.files.empty() || dashes > 0;
  if (options.follow && from_stdin) return fail("--follow needs a file");
  const std::string& not_json = options.not_json;
  if (!is_word(not_json) && not_json.find_first_of("/.") == std::string::npos) {
    return fail(
        fmt::format("--not-json {}: not understood; write show, skip, pass, or a file as ./{}",
                    not_json, not_json));
  }
  yaml.add("", "sources:");
  yaml.add("", "  input:");
  if (from_stdin) {
    yaml.add("", "    type: stdin");
  } else {
    yaml.add("", fmt::format("    type: {}", options.follow ? "file" : "read"));
    yaml.add("FILE", "    paths: " + quoted_list(options.files));
  }
  yaml.add("--format", "    format: " + options.format);
  if (not_json == "skip" || not_json == "pass") yaml.add("--not-json", "    not_json: " + not_json);
  return {};
}

Result<void> add_sinks(const PipeOptions& options, Secrets secrets, PipeYaml& yaml) {
  auto checked = check_sink_flags(options);
  yaml.add("", "sinks:");
  std::map<std::string, int> used;
  const std::vector<std::string> targets =
      options.targets.empty() ? std::vector<std::string>{"-"} : options.targets;
  for (const std::string& target : targets) {
    const auto kind = kind_of_target(target);
    if (!kind.has_value()) return tl::unexpected<Error>(kind.error());
    if (!checked.has_value()) return checked;
    if (std::count(targets.begin(), targets.end(), target) > 1)
      return fail(fmt::format("--to {}: is given twice", target));
    const int count = ++used[*kind];
    const std::string name = *kind + (count == 1 ? "" : std::to_string(count));
    if (auto added = add_sink(target, options, secrets, yaml, name); !added.has_value())
      return added;
  }
  return {};
}

// `sinks.http."a: b": what is wrong` without the path.
std::string_view without_path(std::string_view text) {
  bool inside = false;
  for (std::size_t at = 0; at + 1 < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '"') inside = !inside;
    if (!inside && text[at] == ' ') return text;  // no path stands there
    if (!inside && text.substr(at, 2) == ": ") return text.substr(at + 2);
  }
  return text;
}

}  // namespace

std::string yaml_text(std::string_view text) {
  std::string literal;  // JSON's strings are YAML's, but a ${ must not be substituted
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "${") literal += '$';
    literal += text[at];
  }
  std::string out;
  json::write_string(literal, out);
  return out;
}

std::string quoted_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + yaml_text(text);
  return out + "]";
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

void PipeYaml::add(const std::string& flag, const std::string& line) {
  text.append(line).append("\n");
  flags.push_back(flag);
}

Result<PipeYaml> pipe_yaml(const PipeOptions& options, Secrets secrets) {
  PipeYaml yaml;
  yaml.add("", "version: 1");
  auto added = add_source(options, yaml);
  if (added.has_value()) added = add_filters(options.steps, yaml);
  if (added.has_value()) added = add_sinks(options, secrets, yaml);
  if (!added.has_value()) return tl::unexpected<Error>(added.error());
  if (!yaml.variables.empty()) {
    yaml.text.insert(0, fmt::format("# Secrets are not printed: set {} in the environment.\n",
                                    fmt::join(yaml.variables, ", ")));
    yaml.flags.insert(yaml.flags.begin(), "");
  }
  return yaml;
}

std::string by_flag(const std::string& problems, const PipeYaml& yaml) {
  const std::string place = std::string(kCommandLine) + ":";
  std::string out;
  std::string_view rest = problems;
  while (!rest.empty()) {
    const std::string_view text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(text.size() + 1, rest.size()));
    std::size_t line = 0;
    const std::size_t what = text.find(": ");
    if (text.starts_with(place) && what != std::string_view::npos) {
      std::from_chars(text.data() + place.size(), text.data() + what, line);
      const bool known = line > 0 && line <= yaml.flags.size() && !yaml.flags[line - 1].empty();
      out += known ? fmt::format("tailgate: {}: {}", yaml.flags[line - 1],
                                 without_path(text.substr(what + 2)))
                   : fmt::format("tailgate: {}", text.substr(what + 2));
    } else {
      out += text;
    }
    out += '\n';
  }
  return out;
}

}  // namespace tailgate::app
