// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "core/batch.h"
#include "core/outcome.h"
#include "sinks/http_message.h"

namespace tailgate::sinks {

/// Reads an answer by its body, when the body is EventGate's; nothing when it is not (the status
/// table decides then). Two forms, both seen from EventGate 1.8.4:
///   {"invalid":[…], "error":[…]}   207 some accepted, 400 all invalid, 500 none accepted and some
///   errored. An entry is
///                                  {status, event, context}; it echoes the event, so it is found
///                                  by meta.id.
///   {"status":500,"type":…,"title":"PayloadTooLargeError","detail":…,"method":…,"uri":…}
/// `where` names the endpoint in reasons.
std::optional<Outcome> read_eventgate_answer(const HttpResponse& response, const Batch& batch,
                                             std::string_view where);

/// The outcome of a request to EventGate itself, whatever came back.
Outcome eventgate_outcome(const HttpResponse& response, const Batch& batch, std::string_view where);

}  // namespace tailgate::sinks
