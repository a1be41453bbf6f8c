// SPDX-License-Identifier: Apache-2.0
#include "app/pipe_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "json/write.h"

namespace tailgate::app {
namespace {

// A double-quoted YAML scalar: JSON's strings are YAML's. A literal ${ must not be substituted.
std::string quoted(std::string_view text) {
  std::string literal;
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
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + quoted(text);
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

bool starts(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

// `client_id`, `jwt:http.request_headers.authorization`, several with commas.
std::string client_id_filter(const std::string& from) {
  std::string list;
  for (const std::string& one : split(from, ',')) {
    const std::size_t colon = one.find(':');
    const std::string kind = one.substr(0, colon);
    if (!list.empty()) list += ", ";
    if (colon != std::string::npos && (kind == "jwt" || kind == "basic" || kind == "oauth1")) {
      list += fmt::format("{{{}: {}}}", kind, quoted(one.substr(colon + 1)));
    } else {
      list += quoted(one);
    }
  }
  return fmt::format("  - add_client_id: {{from: [{}]}}\n", list);
}

Result<std::string> filters_yaml(const std::vector<PipeStep>& steps) {
  std::string yaml;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& [flag, value] = steps[i];
    if (flag == "--unflatten") {
      yaml += fmt::format("  - unflatten: {{separator: {}", quoted(value));
      if (i + 1 < steps.size() && steps[i + 1].first == "--schema")
        yaml += ", schema: " + quoted(steps[++i].second);
      yaml += "}\n";
    } else if (flag == "--schema") {
      return fail("--schema goes right behind the --unflatten that it guides");
    } else if (flag == "--drop-nulls") {
      yaml += "  - drop_nulls: {}\n";
    } else if (flag == "--client-id") {
      yaml += client_id_filter(value);
    } else if (flag == "--set") {
      const std::size_t equals = value.find('=');
      if (equals == std::string::npos || equals == 0) {
        return fail(fmt::format("--set {}: write --set PATH=VALUE", value));
      }
      yaml += fmt::format("  - set: {{{}: {}}}\n", quoted(value.substr(0, equals)),
                          quoted(value.substr(equals + 1)));
    } else if (flag == "--where") {
      yaml += fmt::format("  - where: {{condition: {}}}\n", quoted(value));
    }
  }
  return yaml.empty() ? yaml : "filters:\n" + yaml;
}

Result<std::string> headers_yaml(const std::vector<std::string>& headers) {
  std::string yaml;
  for (const std::string& header : headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0)
      return fail(fmt::format("-H \"{}\": write -H \"Name: value\"", header));
    const std::size_t value = header.find_first_not_of(' ', colon + 1);
    yaml += fmt::format("{}{}: {}", yaml.empty() ? "" : ", ", quoted(header.substr(0, colon)),
                        quoted(value == std::string::npos ? "" : header.substr(value)));
  }
  return yaml.empty() ? yaml : fmt::format("    headers: {{{}}}\n", yaml);
}

Result<std::string> kafka_yaml(const std::string& target, const PipeOptions& options) {
  const std::string rest = target.substr(std::string_view("kafka://").size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == rest.size()) {
    return fail(fmt::format("--to {}: write kafka://host:port[,host:port]/topic", target));
  }
  std::string properties;
  for (const std::string& property : options.properties) {
    const std::size_t equals = property.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(fmt::format("-X {}: write -X name=value", property));
    properties +=
        fmt::format("{}{}: {}", properties.empty() ? "" : ", ", quoted(property.substr(0, equals)),
                    quoted(property.substr(equals + 1)));
  }
  std::string yaml =
      fmt::format("    type: kafka\n    brokers: {}\n    topic: {}\n",
                  quoted_list(split(rest.substr(0, slash), ',')), quoted(rest.substr(slash + 1)));
  if (!properties.empty()) yaml += fmt::format("    options: {{{}}}\n", properties);
  return yaml;
}

// The kind of a target and its settings.
Result<std::pair<std::string, std::string>> sink_yaml(const std::string& target,
                                                      const PipeOptions& options) {
  using Pair = std::pair<std::string, std::string>;
  const std::string tls = options.ca_file.empty()
                              ? ""
                              : fmt::format("    tls: {{ca_file: {}}}\n", quoted(options.ca_file));
  if (target == "-") return Pair{"stdout", "    type: stdout\n"};
  if (starts(target, "kafka://")) {
    auto yaml = kafka_yaml(target, options);
    if (!yaml.has_value()) return tl::unexpected<Error>(yaml.error());
    return Pair{"kafka", *yaml + tls};
  }
  const bool eventgate =
      starts(target, "eventgate+http://") || starts(target, "eventgate+https://");
  if (eventgate || starts(target, "http://") || starts(target, "https://")) {
    const std::string url =
        eventgate ? target.substr(std::string_view("eventgate+").size()) : target;
    const auto headers = headers_yaml(options.headers);
    if (!headers.has_value()) return tl::unexpected<Error>(headers.error());
    const std::string type = eventgate ? "eventgate" : "http";
    return Pair{type,
                fmt::format("    type: {}\n    url: {}\n", type, quoted(url)) + *headers + tls};
  }
  if (starts(target, "file:") || starts(target, "/") || starts(target, "./")) {
    const std::string path = starts(target, "file:") ? target.substr(5) : target;
    return Pair{"file", fmt::format("    type: file\n    path: {}\n", quoted(path))};
  }
  return fail(
      fmt::format("--to {}: not understood; write - for stdout, kafka://host:port/topic, "
                  "eventgate+https://host/v1/events, https://…, or a file as /x, ./x or file:x",
                  target));
}

std::string source_yaml(const PipeOptions& options) {
  std::string yaml = "sources:\n  input:\n";
  if (options.files.empty()) {
    yaml += "    type: stdin\n";
  } else {
    yaml += fmt::format("    type: {}\n    paths: {}\n", options.follow ? "file" : "read",
                        quoted_list(options.files));
  }
  yaml += fmt::format("    format: {}\n", options.format);
  if (options.not_json == "skip" || options.not_json == "pass")
    yaml += "    not_json: " + options.not_json + "\n";
  return yaml;
}

}  // namespace

Result<std::string> pipe_yaml(const PipeOptions& options) {
  if (options.follow && options.files.empty()) return fail("--follow needs a file");
  auto filters = filters_yaml(options.steps);
  if (!filters.has_value()) return filters;
  std::string yaml = "version: 1\n" + source_yaml(options) + *filters + "sinks:\n";
  std::map<std::string, int> used;
  const std::vector<std::string> targets =
      options.targets.empty() ? std::vector<std::string>{"-"} : options.targets;
  for (const std::string& target : targets) {
    const auto sink = sink_yaml(target, options);
    if (!sink.has_value()) return tl::unexpected<Error>(sink.error());
    const int count = ++used[sink->first];
    yaml += fmt::format("  {}{}:\n{}", sink->first, count == 1 ? "" : std::to_string(count),
                        sink->second);
  }
  return yaml;
}

}  // namespace tailgate::app
