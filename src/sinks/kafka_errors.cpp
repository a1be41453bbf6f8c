// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sinks/status.h"

namespace tailgate::sinks {
namespace {

// confluentinc/librdkafka PR 4895: before it the client's nonce was appended twice, which Kafka 4 refuses.
constexpr int kScramWithKafka4 = 0x020601ff;

constexpr std::array kTable{
    KafkaErrorRule{RD_KAFKA_RESP_ERR_NO_ERROR, KafkaReport::delivered},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, KafkaReport::oversized},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, KafkaReport::oversized},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_INVALID_RECORD, KafkaReport::refused},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, KafkaReport::refused},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, KafkaReport::refused},
    KafkaErrorRule{RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, KafkaReport::topic_unknown},
    KafkaErrorRule{RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, KafkaReport::topic_unknown},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, KafkaReport::topic_unknown},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, KafkaReport::topic_unknown},
    KafkaErrorRule{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, KafkaReport::topic_denied},
};

std::string_view what_happens(KafkaReport report) {
  switch (report) {
    case KafkaReport::delivered:
      return "delivered";
    case KafkaReport::oversized:
      return "sent again alone; a dead letter when it is too large by itself";
    case KafkaReport::refused:
      return "sent again alone; a dead letter when it is refused while others are accepted";
    case KafkaReport::topic_unknown:
      return "a constant topic: waits; one made by a template: a dead letter `topic_unknown` once "
             "others were delivered and `event_attempts` are used up";
    case KafkaReport::topic_denied:
      return "a constant topic: waits; one made by a template: a dead letter `topic_denied` once "
             "others were delivered and `event_attempts` are used up";
    case KafkaReport::later:
      break;
  }
  return "the broker's trouble: sent again for as long as it takes";
}

}  // namespace

std::span<const KafkaErrorRule> kafka_error_table() {
  return kTable;
}

KafkaReport classify(rd_kafka_resp_err_t error) {
  const auto* const found = std::ranges::find(kTable, error, &KafkaErrorRule::error);
  return found == kTable.end() ? KafkaReport::later : found->report;
}

std::string kafka_error_table_markdown() {
  std::string out = "| delivery report | what happens |\n|---|---|\n";
  for (const KafkaErrorRule& rule : kTable) {
    out += fmt::format("| `{}` | {} |\n", rd_kafka_err2name(rule.error), what_happens(rule.report));
  }
  return out + fmt::format("| any other | {} |\n", what_happens(KafkaReport::later));
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
