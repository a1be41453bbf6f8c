// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_client.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

namespace tailgate::sinks {
namespace {

using Conf = std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)>;
using Text = std::array<char, 512>;

Result<Conf> make_conf(const KafkaSettings& settings, std::size_t batch_size) {
  Conf conf(rd_kafka_conf_new(), &rd_kafka_conf_destroy);
  Text why{};
  const auto set = [&](const std::string& name, const std::string& value) {
    return rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), why.data(), why.size()) ==
           RD_KAFKA_CONF_OK;
  };
  bool fine = set("log.queue", "true") && set("batch.size", std::to_string(batch_size));
  if (!settings.brokers.empty()) fine = fine && set("bootstrap.servers", settings.brokers);
  for (const auto& [name, value] : settings.properties) {
    if (!fine) break;
    fine = set(name, value);
  }
  if (!fine) return fail(settings.without_secrets(why.data()));
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR |
                                           RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_STATS);
  return conf;
}

}  // namespace

Result<std::unique_ptr<KafkaClient>> KafkaClient::open(const KafkaSettings& settings,
                                                       std::size_t batch_size) {
  auto conf = make_conf(settings, batch_size);
  if (!conf) return tl::unexpected(conf.error());
  Text why{};
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), why.data(), why.size());
  if (handle == nullptr) return fail(settings.without_secrets(why.data()));
  static_cast<void>(conf->release());  // librdkafka's now
  return std::unique_ptr<KafkaClient>(new KafkaClient(handle, batch_size));
}

KafkaClient::KafkaClient(rd_kafka_t* handle, std::size_t batch_size)
    : handle_(handle), queue_(rd_kafka_queue_get_main(handle)), batch_size_(batch_size) {
  rd_kafka_set_log_queue(handle_, nullptr);
}

KafkaClient::~KafkaClient() {
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  rd_kafka_queue_destroy(queue_);
  rd_kafka_destroy(handle_);
}

rd_kafka_topic_t* KafkaClient::topic(const std::string& name) {
  const auto found = topics_.find(name);
  if (found != topics_.end()) return found->second;
  rd_kafka_topic_t* topic = rd_kafka_topic_new(handle_, name.c_str(), nullptr);
  if (topic != nullptr) topics_.emplace(name, topic);
  return topic;
}

void KafkaClient::drop_topic(const std::string& name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  rd_kafka_topic_destroy(found->second);
  topics_.erase(found);
}

rd_kafka_event_t* KafkaClient::poll(Millis wait) {
  return rd_kafka_queue_poll(queue_, static_cast<int>(wait.count()));
}

void KafkaClient::ask_limit(const std::string& topic, Millis wait, void* asker) {
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  rd_kafka_AdminOptions_t* options =
      rd_kafka_AdminOptions_new(handle_, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  Text why{};
  rd_kafka_AdminOptions_set_request_timeout(options, static_cast<int>(wait.count()), why.data(),
                                            why.size());
  rd_kafka_AdminOptions_set_opaque(options, asker);
  rd_kafka_DescribeConfigs(handle_, &resource, 1, options, queue_);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ConfigResource_destroy(resource);
}

TopicLimit KafkaClient::read_limit(rd_kafka_event_t* event) {
  TopicLimit out;
  out.asker = rd_kafka_event_opaque(event);
  out.error = rd_kafka_event_error(event);
  const rd_kafka_DescribeConfigs_result_t* result = rd_kafka_event_DescribeConfigs_result(event);
  if (out.error != RD_KAFKA_RESP_ERR_NO_ERROR || result == nullptr) return out;
  std::size_t resources = 0;
  const rd_kafka_ConfigResource_t** resource =
      rd_kafka_DescribeConfigs_result_resources(result, &resources);
  if (resources == 0) return out;
  out.error = rd_kafka_ConfigResource_error(resource[0]);
  std::size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resource[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value == nullptr ||
        std::string_view(rd_kafka_ConfigEntry_name(entries[i])) != "max.message.bytes")
      continue;
    std::from_chars(value, value + std::strlen(value), out.bytes);
  }
  return out;
}

void KafkaClient::refresh(rd_kafka_topic_t* topic, Millis wait) {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(handle_, 0, topic, &metadata, static_cast<int>(wait.count())) ==
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_metadata_destroy(metadata);
  }
}

}  // namespace tailgate::sinks
