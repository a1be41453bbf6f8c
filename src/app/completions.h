// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's
class App;
}

namespace tailgate::app {

// Made from the program's own commands and flags, so that they cannot differ.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);
std::string fish_completion(const CLI::App& app);
/// roff for man(1).
std::string man_page(const CLI::App& app);

}  // namespace tailgate::app
