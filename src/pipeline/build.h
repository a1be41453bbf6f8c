// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pipeline/pipeline.h"
#include "settings/node.h"
#include "state/store.h"

namespace tailgate::pipeline {

/// What of the settings the program needs before, beside and around a pipeline.
struct General {
  std::string data_dir;  // empty: none
  bool data_dir_on_network = false;
  Bytes memory_limit = Bytes{24} << 20;
  RunRules run;
  std::string dead_letter_folder;  // empty: stderr
  DeadLetters::Limits dead_letter_limits;
  std::string admin_listen;  // host:port, or "none"
};

General read_general(const settings::Node& root, settings::Problems& problems);

struct BuildContext {
  std::shared_ptr<const Clock> clock;
  Log log;
  state::Store* store = nullptr;  // nullptr: positions are not kept (pipe, validate, explain)
  bool once = false;
  bool need_data_dir = false;  // under `run`: file sources need one
  bool interactive = false;    // a pipe: batches do not wait when the input pauses
};

/// Settings → objects. Problems are collected, all of them; what is returned is to be used only when there are none.
/// Opens nothing but what the parts need to exist: no connection is made, no log file is read.
std::optional<Parts> build(const settings::Node& root, const General& general,
                           DeadLetters dead_letters, const BuildContext& context,
                           settings::Problems& problems);

/// A chain on its own, for `explain`.
Chain build_chain(const settings::Node& list, settings::Problems& problems);

/// What `validate` says beside errors and what each sink warns of: credentials in the log, no unconditional sink, …
void warn_about(const settings::Node& root, settings::Problems& problems);

/// Calls the probe of every network sink: `name: what is wrong` lines, empty when all answer.
std::string probe_sinks(const settings::Node& root, const BuildContext& context);

}  // namespace tailgate::pipeline
