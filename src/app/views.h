// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "metrics/exporter.h"
#include "pipeline/pipeline.h"

namespace tailgate::app {

/// The pipeline as the admin server shows it. Any thread.
metrics::Snapshot snapshot(const pipeline::Pipeline& pipeline);
/// JSON: files with offsets and lag, lanes, last errors.
std::string status_json(const pipeline::Pipeline& pipeline);
/// One line per sink that is down, with the reason; empty when all are up.
std::string delivery_trouble(const pipeline::Pipeline& pipeline);

}  // namespace tailgate::app
