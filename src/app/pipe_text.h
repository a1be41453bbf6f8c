// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/pipe_settings.h"

namespace tailgate::app {

/// A double-quoted YAML scalar that means exactly this text.
std::string yaml_text(std::string_view text);
std::string quoted_list(const std::vector<std::string>& texts);
std::vector<std::string> split(std::string_view text, char separator);

/// Adds the sink that a `--to` stands for.
Result<void> add_sink(const std::string& target, const PipeOptions& options, Secrets secrets,
                      PipeYaml& yaml, const std::string& name);
/// `kafka`, `http`, `eventgate`, `file`, `stdout`; an error for what is none of them.
Result<std::string> kind_of_target(const std::string& target);
/// The path that a `file` target names.
std::string file_of_target(const std::string& target);
/// Whether -H and -X can be read and have a sink that uses them.
Result<void> check_sink_flags(const PipeOptions& options);

}  // namespace tailgate::app
