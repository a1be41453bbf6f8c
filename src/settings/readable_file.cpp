// SPDX-License-Identifier: Apache-2.0
#include "settings/readable_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tailgate::settings {

std::string readable_file(const Section& section, std::string_view option) {
  std::string path = section.file(option);
  if (path.empty()) {
    if (section.given(option)) section.problem(option, "must not be empty");
    return path;
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    section.problem(option, fmt::format("{} is a folder, not a file", path));
    return {};
  }
  if (::access(path.c_str(), R_OK) == 0) return path;
  section.problem(option, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return {};
}

}  // namespace tailgate::settings
