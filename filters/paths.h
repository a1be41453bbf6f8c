// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "json/event.h"
#include "settings/options.h"

namespace tailgate::filters {

/// The path that a scalar of the settings holds; what is wrong with it becomes a problem at its place.
std::optional<json::Path> read_path(const settings::Node& node, settings::Problems& problems);

/// The paths of a text_or_list option, without those that are wrong. None at all is a problem.
std::vector<json::Path> read_paths(const settings::Section& options, std::string_view name);

/// Takes the value out of the event, and with it the objects and arrays that became empty by it. Nothing when the event
/// does not have it.
std::optional<json::Value> take_out(json::Event& event, const json::Path& path);

}  // namespace tailgate::filters
