// SPDX-License-Identifier: Apache-2.0
#include "sinks/registry.h"

#include <array>

#include "sinks/transports.h"

namespace tailgate::sinks {

extern const SinkEntry eventgate_sink;
extern const SinkEntry file_sink;
extern const SinkEntry http_sink;
extern const SinkEntry kafka_sink;
extern const SinkEntry none_sink;
extern const SinkEntry stdout_sink;

std::span<const SinkEntry> table() {
  static const std::array kTable{
      eventgate_sink, http_sink, kafka_sink, stdout_sink, file_sink, none_sink,
  };
  return kTable;
}

std::shared_ptr<Transports> make_transports(const Clock& /*clock*/) {
  return std::make_shared<Transports>();
}

}  // namespace tailgate::sinks
