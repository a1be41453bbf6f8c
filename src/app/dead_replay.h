// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "app/dead_store.h"

namespace tailgate::app {

struct DeadOptions {
  std::string config;
  std::string place;  // folder or file; empty: the settings'
  LetterChoice choice;
  std::size_t limit = 0;
  bool dry_run = false;
  std::string give_up_after = "60s";  // replay
  bool all = false;                   // purge: every one is meant
};

/// Sends chosen letters again: those that did not parse or failed in a filter through the whole way, those a sink refused
/// straight to that sink. What is settled leaves its file; what fails again is a new dead letter. Returns the exit code.
int replay(const DeadOptions& options, const std::string& place);

}  // namespace tailgate::app
