// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/sink.h"
#include "sinks/kafka_settings.h"

namespace tailgate::sinks {

/// Connects, logs in and looks the topic up, without creating it; waits at most context.timeout, 15 s at the longest.
/// Empty when all is well, else one sentence.
std::string probe_kafka(const KafkaSettings& settings, const SinkContext& context);

}  // namespace tailgate::sinks
