// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "settings/options.h"

namespace tailgate::sinks {

/// How long the producer waits for what; tests are quicker.
struct KafkaPace {
  Millis first_rest{250};   // after a failure; doubles with each up to 40 times that
  Millis limit_wait{2000};  // for a topic's limit, before its default is assumed
};

/// What a kafka sink was told, as librdkafka properties. Immutable.
struct KafkaSettings {
  std::string brokers;         // host:port,host:port
  std::string topic;           // as written
  bool constant_topic = true;  // no field in it
  /// In the order in which they are set; later ones win.
  std::vector<std::pair<std::string, std::string>> properties;
  /// Taken out of everything that is said.
  std::vector<std::string> secrets;
  std::size_t batch_size = 0;  // as asked for by the user; 0: not
  bool scram = false;
  bool headers = false;  // messages may have headers
  KafkaPace pace;

  /// `text` with every secret replaced by ***.
  [[nodiscard]] std::string without_secrets(std::string text) const;
};

/// Reads and checks kKafkaOptions; what librdkafka refuses (a name, a value, a file, a combination) is a problem too. Does not
/// connect. Nothing after a problem.
std::optional<KafkaSettings> read_kafka_settings(const settings::Section& options);

/// Why a librdkafka property may not be set by hand; empty when it may. With `unsafe` only those are refused that
/// would break the sink itself.
std::string_view refused_property(std::string_view name, bool unsafe);

/// Upper bound for librdkafka's batch.size: Kafka's own default for max.message.bytes, less a tenth for its framing.
inline constexpr std::size_t kDefaultBatchSize = 943'718;
/// Kafka's limits are on the record batch; messages together must stay below it.
std::size_t batch_size_for(const KafkaSettings& settings, std::size_t limit);

}  // namespace tailgate::sinks
