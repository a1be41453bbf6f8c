// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "settings/describe.h"
#include "settings/node.h"

namespace tailgate::settings {

/// Whether an option, a header or a property of this name is a secret: `sasl.password`, `authorization`, `X-Api-Key`.
/// Those that name a file (`token_file`, `ssl.key.location`) are none.
bool speaks_of_a_secret(std::string_view name);

/// What else to print than what the file says.
enum class Defaults { omit, show };

/// The settings as YAML that reads back as the same settings, but for secrets, which are `***`:
/// values that came from
/// ${ENV} or ${file:…}, options that `doc` calls secret, names that speak of one (`sasl.password`,
/// `authorization`), and the password in a URL. `Defaults::show` adds every option of `doc` that
/// has a default.
std::string print_masked(const Node& root, const SectionDoc& doc, Defaults defaults);

}  // namespace tailgate::settings
