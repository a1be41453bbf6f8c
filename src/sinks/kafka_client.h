// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sinks/kafka_settings.h"

namespace tailgate::sinks {

/// What a broker says of a topic's limit for record batches.
struct TopicLimit {
  void* asker = nullptr;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::size_t bytes = 0;  // 0: not said
};

/// One librdkafka producer and its queue of events (delivery reports, errors, logs, answers). Everything but wake()
/// belongs to one thread. Destroying it waits for librdkafka's threads, which may take seconds; no message may be under
/// way then, because payloads are not copied.
class KafkaClient {
 public:
  /// Without brokers nothing is connected: that is how settings are checked.
  static Result<std::unique_ptr<KafkaClient>> open(const KafkaSettings& settings,
                                                   std::size_t batch_size);
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  [[nodiscard]] rd_kafka_t* handle() const { return handle_; }
  [[nodiscard]] std::size_t batch_size() const { return batch_size_; }
  /// The handle of a topic, made at first use; nullptr when librdkafka does not take the name.
  rd_kafka_topic_t* topic(const std::string& name);

  /// The topic is no longer needed, and nothing of it is under way.
  void drop_topic(const std::string& name);

  /// The next event within `wait`, or nullptr. To be destroyed by rd_kafka_event_destroy.
  rd_kafka_event_t* poll(Millis wait);
  /// Ends a poll() that waits, or the next one. Any thread.
  void wake() { rd_kafka_queue_yield(queue_); }

  /// Asks for max.message.bytes; the answer comes as an event, with `asker`.
  void ask_limit(const std::string& topic, Millis wait, void* asker);
  static TopicLimit read_limit(rd_kafka_event_t* event);
  /// Brings librdkafka's view of the topic up to date; it does not look again by itself once a topic was missing.
  void refresh(rd_kafka_topic_t* topic, Millis wait);

 private:
  KafkaClient(rd_kafka_t* handle, std::size_t batch_size);

  rd_kafka_t* handle_;
  rd_kafka_queue_t* queue_;
  std::size_t batch_size_;
  std::unordered_map<std::string, rd_kafka_topic_t*> topics_;
};

}  // namespace tailgate::sinks
