// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "settings/options.h"

namespace tailgate::pipeline {

// The options that are nobody's own: of the whole file, of every source, of every sink. The reference, the JSON Schema
// and the checks at start are made from these tables and the registries'.
settings::OptionTable root_options();
settings::OptionTable shutdown_options();
settings::OptionTable dead_letter_options();
settings::OptionTable admin_options();
settings::OptionTable source_options();
settings::OptionTable sink_options();
settings::OptionTable batch_options();
settings::OptionTable retry_options();
/// Beside a filter's name.
settings::OptionTable filter_step_options();

}  // namespace tailgate::pipeline
