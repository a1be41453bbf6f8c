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

/// The YAML settings that the flags stand for: `pipe` has no way of its own.
Result<std::string> pipe_yaml(const PipeOptions& options);

}  // namespace tailgate::app
