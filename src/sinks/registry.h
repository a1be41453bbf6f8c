// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "core/sink.h"

namespace tailgate::sinks {

/// Every sink type there is: the one table that a new sink adds a line to.
std::span<const SinkEntry> table();
/// What the sinks of one process share; starts its thread at first use.
std::shared_ptr<Transports> make_transports(const Clock& clock);

}  // namespace tailgate::sinks
