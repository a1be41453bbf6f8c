// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "settings/describe.h"

namespace tailgate::app {

/// What a settings file may hold, from the registries and the option tables: for the reference, the JSON Schema, and
/// which values are secret.
settings::SectionDoc settings_doc();

/// What answers of the other side mean for events, from the tables that the sinks act on; Markdown, behind the options.
std::string answers_doc();

/// The same as settings_doc() with the defaults that depend on a sink's type: what `validate --print` shows.
settings::SectionDoc settings_doc_by_type();

}  // namespace tailgate::app
