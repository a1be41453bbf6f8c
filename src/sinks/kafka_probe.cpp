// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "sinks/kafka_client.h"
#include "sinks/kafka_errors.h"

namespace tailgate::sinks {
namespace {

constexpr Millis kLongest{15'000};
constexpr Millis kFirst{1000};

using Metadata = std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)>;

/// The last thing that went wrong, in librdkafka's words.
void collect_errors(KafkaClient& client, const KafkaSettings& settings, std::string& last) {
  while (rd_kafka_event_t* event = client.poll(Millis{0})) {
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR &&
        rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
      last =
          explain_error(rd_kafka_event_error(event), rd_kafka_event_error_string(event), settings);
    }
    rd_kafka_event_destroy(event);
  }
}

/// Without a topic: whether any broker answers. An error at once (a refused connection) ends the wait.
rd_kafka_resp_err_t ask(KafkaClient& client, rd_kafka_topic_t* topic, Millis wait, Metadata& out) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error =
      rd_kafka_metadata(client.handle(), 0, topic, &metadata, static_cast<int>(wait.count()));
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) out.reset(metadata);
  return error;
}

std::string about_topic(const rd_kafka_metadata_t& metadata, const std::string& topic) {
  if (metadata.topic_cnt == 0) return {};
  switch (classify(metadata.topics[0].err)) {
    case KafkaReport::topic_denied:
      return fmt::format("topic {}: this user may not see it", topic);
    case KafkaReport::topic_unknown:
      return fmt::format(
          "topic {} does not exist (brokers that create topics will do so with the first event)",
          topic);
    default:
      break;
  }
  if (metadata.topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fmt::format("topic {}: {}", topic, rd_kafka_err2str(metadata.topics[0].err));
}

}  // namespace

std::string probe_kafka(const KafkaSettings& settings, const SinkContext& context) {
  auto opened = KafkaClient::open(settings, kDefaultBatchSize);
  if (!opened) return opened.error().what;
  KafkaClient& client = **opened;
  rd_kafka_topic_t* topic = settings.constant_topic ? client.topic(settings.topic) : nullptr;
  const Tick until = context.clock->now() +
                     (context.timeout > Millis{0} ? std::min(context.timeout, kLongest) : kLongest);
  std::string last;
  while (true) {
    Metadata metadata(nullptr, &rd_kafka_metadata_destroy);
    const auto error = ask(client, topic, kFirst, metadata);
    if (metadata) return topic == nullptr ? std::string() : about_topic(*metadata, settings.topic);
    collect_errors(client, settings, last);
    // What librdkafka gave a reason for is not worth a longer wait.
    if (!last.empty() || context.clock->now() >= until) {
      return last.empty() ? fmt::format("{}: {}", settings.brokers, rd_kafka_err2str(error)) : last;
    }
  }
}

}  // namespace tailgate::sinks
