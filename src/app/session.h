// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "pipeline/build.h"
#include "settings/node.h"

namespace tailgate::app {

/// What `run` and `pipe` have in common: a pipeline under the signals of a process, its progress and its closing ledger.
struct SessionRules {
  bool quiet = false;     // no progress line, no ledger
  bool ledger = true;     // print it at the end
  bool once = false;      // inputs that cannot be read are a failure
  bool progress = false;  // a progress line while long work goes on (only on a terminal)
  bool logged = false;    // all of stderr is the log (run): without a terminal the ledger is, too
  bool waits_safely = false;  // what is undelivered at the end waits in files: not an error (run)
  std::string_view waits_in =
      "waits in its file or in the spool and is read again at the next start";
  /// Asked on SIGHUP: true when the process shall begin again with its settings. None: SIGHUP ends it as SIGTERM does.
  std::function<bool()> reload = {};
};

struct SessionEnd {
  int exit_code = 0;
  bool reload = false;
};

/// To be called before any thread is started: the signals that run_session() waits for must reach no other thread.
void block_signals();

/// SIGTERM or SIGINT came before run_session() could take it.
bool stop_waits();

/// Runs until done or stopped. SIGTERM and SIGINT drain, a second one ends at once.
SessionEnd run_session(pipeline::Pipeline& pipeline, const SessionRules& rules, const Log& log);

/// The closing ledger: one line per source and sink.
std::string ledger_text(const pipeline::Pipeline& pipeline);

/// Lines for people on a terminal, JSON lines otherwise.
Log make_log(Log::Level level);

/// Prints the problems to stderr. True when there were errors.
bool say_problems(const settings::Problems& problems);

}  // namespace tailgate::app
