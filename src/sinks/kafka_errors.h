// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sinks/kafka_settings.h"

namespace tailgate::sinks {

/// What a delivery report, or a refusal to take a message, means for the message.
enum class KafkaReport : std::uint8_t {
  delivered,
  oversized,  // the record batch, not the message alone, was above max.message.bytes
  refused,    // the broker does not take such a record, or a neighbour in its batch
  topic_unknown,
  topic_denied,
  later,  // not the message's fault: sent again
};

/// One row: an error of librdkafka, and what it means for the message.
struct KafkaErrorRule {
  rd_kafka_resp_err_t error;
  KafkaReport report;
};

/// THE table of delivery reports: the documentation prints it, the sink acts on it. What is not in it is `later`.
std::span<const KafkaErrorRule> kafka_error_table();
KafkaReport classify(rd_kafka_resp_err_t error);

/// librdkafka's words for people: without instance names, and without what changes from one attempt to the next, so
/// that the same trouble reads the same.
std::string plain_words(std::string_view text);

/// The same for an error event, without secrets, and with a hint where one is known.
std::string explain_error(rd_kafka_resp_err_t error, std::string_view text,
                          const KafkaSettings& settings);

}  // namespace tailgate::sinks
