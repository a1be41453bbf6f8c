// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "sinks/kafka_options.h"
#include "sinks/kafka_probe.h"
#include "sinks/kafka_producer.h"
#include "sinks/kafka_settings.h"
#include "sinks/registry.h"

namespace tailgate::sinks {
namespace {

/// Produces to Kafka and retries by itself: librdkafka's idempotent producer keeps the order of first sending, which
/// another attempt from outside would break.
class KafkaSink final : public Sink {
 public:
  KafkaSink(KafkaSettings settings, const SinkContext& context)
      : producer_(std::move(settings), context) {}

  void send(const Batch& batch, Done done) override { producer_.submit(batch, std::move(done)); }
  [[nodiscard]] std::optional<std::string> stalled() const override { return producer_.stalled(); }
  void stop(Tick deadline) override { producer_.stop(deadline); }

 private:
  KafkaProducer producer_;
};

std::unique_ptr<Sink> make(const settings::Section& options, SinkContext context) {
  auto settings = read_kafka_settings(options);
  if (!settings) return nullptr;
  return std::make_unique<KafkaSink>(std::move(*settings), context);
}

std::string probe(const settings::Section& options, SinkContext context) {
  auto settings = read_kafka_settings(options);
  if (!settings) return options.problems().text();
  return probe_kafka(*settings, context);
}

}  // namespace

extern const SinkEntry kafka_sink;
constinit const SinkEntry kafka_sink{
    .type = "kafka",
    .summary = "Produces to Kafka: idempotent, every broker in sync, ordered per partition.",
    .options = kKafkaOptions,
    .traits = {.codec = "kafka", .self_retrying = true},
    .make = make,
    .probe = probe,
};

}  // namespace tailgate::sinks
