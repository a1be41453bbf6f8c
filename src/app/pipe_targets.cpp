// SPDX-License-Identifier: Apache-2.0
// --to, -H, -X and --ca-file of `pipe`.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/pipe_text.h"
#include "settings/print.h"

namespace tailgate::app {
namespace {

using Pair = std::pair<std::string, std::string>;

// `Name: value` or `name=value`.
Result<Pair> read_pair(const std::string& flag, const std::string& text, char between,
                       std::string_view form) {
  const std::size_t at = text.find(between);
  if (at == std::string::npos || at == 0)
    return fail(fmt::format("{}: no '{}' behind a name; write {} \"{}\"", flag, between, flag,
                            form));  // it may be a secret alone
  const std::size_t value = between == ':' ? text.find_first_not_of(' ', at + 1) : at + 1;
  return Pair{text.substr(0, at), value == std::string::npos ? "" : text.substr(value)};
}

Result<Pair> read_header(const std::string& text) {
  return read_pair("-H", text, ':', "Name: value");
}
Result<Pair> read_property(const std::string& text) {
  return read_pair("-X", text, '=', "name=value");
}

Result<void> check_pairs(const std::string& flag, const std::vector<std::string>& texts,
                         Result<Pair> (*read)(const std::string&)) {
  std::set<std::string> names;
  for (const std::string& text : texts) {
    const auto pair = read(text);
    if (!pair.has_value()) return tl::unexpected<Error>(pair.error());
    if (!names.insert(pair->first).second)
      return fail(fmt::format("{}: {} is given twice", flag, pair->first));
  }
  return {};
}

// Wider than what settings mask: here a key is not known to be a file's name.
bool is_secret(std::string_view name) {
  return settings::speaks_of_a_secret(name) ||
         (name.find("key") != std::string_view::npos && !name.ends_with(".location"));
}

// sasl.password: SASL_PASSWORD.
std::string variable_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (digit && out.empty()) out += '_';
    out += !digit && !letter ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return out;
}

std::string from_environment(const std::string& name, PipeYaml& yaml) {
  const std::string variable = variable_of(name);
  if (std::find(yaml.variables.begin(), yaml.variables.end(), variable) == yaml.variables.end())
    yaml.variables.push_back(variable);
  return fmt::format("${{{}}}", variable);
}

void add_pair(const std::string& flag, const Pair& pair, Secrets secrets, PipeYaml& yaml) {
  const auto& [name, value] = pair;
  const std::string written = secrets == Secrets::from_environment && is_secret(name)
                                  ? '"' + from_environment(name, yaml) + '"'
                                  : yaml_text(value);
  yaml.add(flag, fmt::format("      {}: {}", yaml_text(name), written));
}

// ?access_token=…: the values of secrets come from the environment.
std::string url_yaml(const std::string& url, Secrets secrets, PipeYaml& yaml) {
  const std::size_t query = url.find('?');
  if (secrets == Secrets::as_given || query == std::string::npos) return yaml_text(url);
  std::string out = yaml_text(url.substr(0, query + 1));
  out.pop_back();
  bool first = true;
  for (const std::string& part : split(std::string_view(url).substr(query + 1), '&')) {
    const std::size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    const std::string text = yaml_text(part);
    out += first ? "" : "&";
    first = false;
    out += equals != std::string::npos && is_secret(name)
               ? name + "=" + from_environment(name, yaml)
               : text.substr(1, text.size() - 2);
  }
  return out + '"';
}

Result<void> add_kafka(const std::string& flag, const std::string& target,
                       const PipeOptions& options, Secrets secrets, PipeYaml& yaml) {
  const std::string rest = target.substr(std::string_view("kafka://").size());
  const std::size_t slash = rest.find('/');
  if (rest.substr(0, slash).find('@') != std::string::npos) {
    return fail(
        "--to kafka://…@…: user and password do not belong in it, where others can read them; "
        "write -X sasl.username=… -X sasl.password=…");
  }
  if (slash == std::string::npos || slash == 0 || slash + 1 == rest.size()) {
    return fail(fmt::format("--to {}: write kafka://host:port[,host:port]/topic", target));
  }
  yaml.add(flag, "    brokers: " + quoted_list(split(rest.substr(0, slash), ',')));
  yaml.add(flag, "    topic: " + yaml_text(rest.substr(slash + 1)));
  if (options.properties.empty()) return {};
  yaml.add("-X", "    options:");
  for (const std::string& property : options.properties)
    add_pair("-X", *read_property(property), secrets, yaml);
  return {};
}

}  // namespace

Result<std::string> kind_of_target(const std::string& target) {
  const auto starts = [&](std::string_view with) { return target.starts_with(with); };
  if (target == "-") return std::string("stdout");
  if (starts("kafka://")) return std::string("kafka");
  if (starts("eventgate+http://") || starts("eventgate+https://")) return std::string("eventgate");
  if (starts("http://") || starts("https://")) return std::string("http");
  if (starts("file:") || starts("/") || starts("./")) return std::string("file");
  return fail(
      fmt::format("--to {}: not understood; write - for stdout, kafka://host:port/topic, "
                  "eventgate+https://host/v1/events, https://…, or a file as /x, ./x or file:x",
                  target));
}

std::string file_of_target(const std::string& target) {
  return target.starts_with("file:") ? target.substr(5) : target;
}

Result<void> check_sink_flags(const PipeOptions& options) {
  auto checked = check_pairs("-H", options.headers, read_header);
  if (checked.has_value()) checked = check_pairs("-X", options.properties, read_property);
  if (!checked.has_value()) return checked;
  bool http = false;
  bool kafka = false;
  for (const std::string& target : options.targets) {
    const auto kind = kind_of_target(target);
    http = http || (kind.has_value() && (*kind == "http" || *kind == "eventgate"));
    kafka = kafka || (kind.has_value() && *kind == "kafka");
  }
  if (!http && !options.headers.empty())
    return fail("-H: no --to sends it; headers go to https://… and eventgate+https://…");
  if (!kafka && !options.properties.empty())
    return fail("-X: no --to uses it; properties are librdkafka's, for kafka://…");
  if (!http && !kafka && !options.ca_file.empty())
    return fail("--ca-file: no --to uses it; it is for https://… and kafka://…");
  return {};
}

Result<void> add_sink(const std::string& target, const PipeOptions& options, Secrets secrets,
                      PipeYaml& yaml, const std::string& name) {
  const auto kind = kind_of_target(target);
  if (!kind.has_value()) return tl::unexpected<Error>(kind.error());
  const std::string flag = "--to";
  yaml.add(flag, fmt::format("  {}:", name));
  yaml.add(flag, fmt::format("    type: {}", *kind));
  if (*kind == "file") {
    yaml.add(flag, "    path: " + yaml_text(file_of_target(target)));
  }
  if (*kind == "kafka") {
    auto added = add_kafka(flag, target, options, secrets, yaml);
    if (!added.has_value()) return added;
  }
  const bool http = *kind == "http" || *kind == "eventgate";
  if (http) {
    yaml.add(flag, "    url: " + url_yaml(target.substr(*kind == "http" ? 0 : 10), secrets, yaml));
    if (!options.headers.empty()) yaml.add("-H", "    headers:");
    for (const std::string& header : options.headers)
      add_pair("-H", *read_header(header), secrets, yaml);
  }
  if ((http || *kind == "kafka") && !options.ca_file.empty())
    yaml.add("--ca-file", fmt::format("    tls: {{ca_file: {}}}", yaml_text(options.ca_file)));
  return {};
}

}  // namespace tailgate::app
