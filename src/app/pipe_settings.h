// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tailgate::app {

/// A flag of `pipe` that changes events, as it stood on the command line: `--unflatten` `.`; in order.
using PipeStep = std::pair<std::string, std::string>;

/// What the flags of `pipe` say.
struct PipeOptions {
  std::vector<std::string> files;  // empty: stdin
  std::vector<PipeStep> steps;
  std::string format = "auto";
  std::string not_json = "show";        // show | skip | pass | a file
  std::vector<std::string> targets;     // empty: stdout
  std::vector<std::string> headers;     // Name: value
  std::vector<std::string> properties;  // librdkafka's name=value
  std::string ca_file;
  std::string dead_file;
  std::string give_up_after;
  bool follow = false;
  bool quiet = false;
  bool print_config = false;
};

/// Settings as YAML, and the flag that each line came from: what is wrong with a line is said of the flag.
struct PipeYaml {
  std::string text;
  std::vector<std::string> flags;      // by line; empty: of no flag
  std::vector<std::string> variables;  // that `text` takes secrets from

  void add(const std::string& flag, const std::string& line);
};

/// What is written where a flag gave a secret: its value, or `${VARIABLE}` for what others may see.
enum class Secrets { as_given, from_environment };

/// The YAML settings that the flags stand for: `pipe` has no way of its own.
Result<PipeYaml> pipe_yaml(const PipeOptions& options, Secrets secrets = Secrets::as_given);

/// The file name under which this YAML is read.
inline constexpr const char* kCommandLine = "command line";
/// Problems of settings read under that name, each named by its flag rather than by a line that nobody wrote.
std::string by_flag(const std::string& problems, const PipeYaml& yaml);

}  // namespace tailgate::app
