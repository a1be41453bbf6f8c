// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_errors.h"

#include <fmt/format.h>

namespace tailgate::sinks {
namespace {

// confluentinc/librdkafka PR 4895: before it the client's nonce was appended twice, which Kafka 4 refuses.
constexpr int kScramWithKafka4 = 0x020601ff;

}  // namespace

KafkaReport classify(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return KafkaReport::delivered;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return KafkaReport::oversized;
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
      return KafkaReport::refused;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return KafkaReport::topic_unknown;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return KafkaReport::topic_denied;
    default:
      return KafkaReport::later;
  }
}

std::string plain_words(std::string_view text) {
  // "Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT, 30 identical error(s)…)"
  for (const std::string_view tail : {" (after ", " (_after "}) {
    if (const auto at = text.find(tail); at != std::string_view::npos) text = text.substr(0, at);
  }
  // "[thrd:127.0.0.1:9092/bootstrap]: 127.0.0.1:9092/bootstrap: …"
  if (text.starts_with("[thrd:")) {
    if (const auto at = text.find("]: "); at != std::string_view::npos) text.remove_prefix(at + 3);
  }
  std::string out(text);
  for (const std::string_view part : {"/bootstrap", "plaintext://"}) {
    if (const auto at = out.find(part); at != std::string::npos && at < out.find(": ")) {
      if (part == "plaintext://" && at != 0) continue;
      out.erase(at, part.size());
    }
  }
  return out;
}

std::string explain_error(rd_kafka_resp_err_t error, std::string_view text,
                          const KafkaSettings& settings) {
  std::string out = settings.without_secrets(plain_words(text));
  if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION && settings.scram &&
      rd_kafka_version() < kScramWithKafka4) {
    out += fmt::format(
        " (librdkafka {} cannot log in to Kafka 4 by SCRAM, 2.6.1 can; PLAIN over TLS works)",
        rd_kafka_version_str());
  }
  return out;
}

}  // namespace tailgate::sinks
