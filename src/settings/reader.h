// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "settings/node.h"

namespace tailgate::settings {

/// Looks up an environment variable; the seam for tests.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment process_environment();

/// Reads a YAML settings file (yaml-cpp; this module is its only home). `${ENV}`, `${ENV:-default}`
/// and
/// `${file:PATH}` are substituted after parsing, in scalars only; `$${` is a literal `${`.
/// Duplicate keys, `<<` and several documents are problems. Top-level `x-…` keys are left out: they
/// hold anchors. Returns what could be read; look at `problems` before using it.
Node read_file(const std::string& file, const Environment& environment, Problems& problems);
Node read_text(const std::string& text, const std::string& file, const Environment& environment,
               Problems& problems);
/// Plain YAML or JSON without substitution, such as a JSON Schema.
Node read_plain_file(const std::string& file, Problems& problems);

}  // namespace tailgate::settings
