// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_settings.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "settings/reader.h"
#include "sinks/kafka_errors.h"
#include "sinks/kafka_options.h"

using namespace tailgate;
using namespace tailgate::sinks;

namespace {

struct Read {
  explicit Read(const std::string& more)
      : section(
            settings::read_text("brokers: [\"127.0.0.1:1\", \"127.0.0.1:2\"]\ntopic: t\n" + more,
                                "test.yaml", settings::process_environment(), problems),
            kKafkaOptions, problems),
        settings(read_kafka_settings(section)) {}

  [[nodiscard]] std::string property(std::string_view name) const {
    std::string found;
    for (const auto& [key, value] : settings->properties) {
      if (key == name) found = value;
    }
    return found;
  }

  settings::Problems problems;
  settings::Section section;
  std::optional<KafkaSettings> settings;
};

}  // namespace

TEST_CASE("the producer is idempotent and waits for as long as it takes") {
  const Read read("");
  REQUIRE(read.settings);
  CHECK(read.settings->brokers == "127.0.0.1:1,127.0.0.1:2");
  CHECK(read.property("enable.idempotence") == "true");
  CHECK(read.property("acks") == "all");
  CHECK(read.property("message.timeout.ms") == "0");
  CHECK(read.property("partitioner") == "murmur2_random");
}

TEST_CASE("librdkafka properties reach it, and override what the sink does not rest on") {
  const Read read(
      "options: {compression.type: zstd, partitioner: consistent, batch.size: 5000}\nlinger: 50ms");
  REQUIRE(read.settings);
  CHECK(read.property("compression.type") == "zstd");
  CHECK(read.property("partitioner") == "consistent");
  CHECK(read.property("linger.ms") == "50");
  CHECK(read.settings->batch_size == 5000);
}

TEST_CASE("properties that falsify delivery reports are refused unless insisted on") {
  for (const char* property :
       {"acks: 1", "request.required.acks: 0", "message.timeout.ms: 60000", "retries: 3",
        "delivery.timeout.ms: 60000", "queuing.strategy: lifo",
        "queue.buffering.max.messages: 100000", "enable.idempotence: false"}) {
    const std::string options = std::string("options: {") + property;
    CHECK_FALSE(Read(options + "}").settings);
    const bool more = !std::string_view(property).starts_with("enable");
    CHECK(Read(options + (more ? ", enable.idempotence: false}" : "}") + "\nunsafe_options: true")
              .settings);
  }
}

TEST_CASE("properties that would break the sink are refused even then") {
  for (const char* name : {"delivery.report.only.error", "dr_cb", "dr_msg_cb", "transactional.id",
                           "log.queue", "bootstrap.servers"}) {
    CHECK_FALSE(Read(std::string("unsafe_options: true\noptions: {") + name + ": \"1\"}").settings);
  }
}

TEST_CASE("what librdkafka refuses is a problem at start") {
  for (const char* options : {"options: {no.such.property: 1}", "options: {socket.timeout.ms: abc}",
                              "tls: {ca_file: /no/such/file}", "tls: {cert_file: /no/such/file}"}) {
    const Read read(options);
    CHECK_FALSE(read.settings);
    CHECK(read.problems.any());
  }
}

TEST_CASE("each wrong property and file is named at its place, whatever else is wrong") {
  const Read read(
      "linger: soon\noptions:\n  no.such.property: 1\n  socket.timeout.ms: abc\n  acks: 1\n"
      "  log.queue: true\ntls: {ca_file: /no/such/ca.pem}\n");
  const std::string text = read.problems.text();
  for (const char* wanted :
       {"test.yaml:3:9: linger: ", "test.yaml:5:3: options.\"no.such.property\": No such",
        "test.yaml:6:22: options.\"socket.timeout.ms\": ",
        "test.yaml:7:3: options.acks: it would falsify delivery reports (unsafe_options: true",
        "test.yaml:8:3: options.\"log.queue\": the sink needs its own value\n",
        "test.yaml:9:16: tls.ca_file: cannot read /no/such/ca.pem: No such file"}) {
    CAPTURE(text);
    CHECK_MESSAGE(text.find(wanted) != std::string::npos, wanted);
  }
}

TEST_CASE("TLS and SASL choose the protocol, and secrets are taken out of what is said") {
  const Read read(
      "sasl: {mechanism: SCRAM-SHA-256, username: u, password: hunter2}\ntls: {verify: false}");
  REQUIRE(read.settings);
  CHECK(read.property("security.protocol") == "sasl_ssl");
  CHECK(read.property("enable.ssl.certificate.verification") == "false");
  CHECK(read.settings->scram);
  CHECK(read.settings->without_secrets("login with hunter2 failed: hunter2") ==
        "login with *** failed: ***");
  const Read plain("sasl: {username: u, password: p}");
  REQUIRE(plain.settings);
  CHECK(plain.property("security.protocol") == "sasl_plaintext");
  CHECK(plain.problems.warnings().find("in the clear") != std::string::npos);
}

TEST_CASE("batch.size is a tenth below the topic's limit, and never more than was asked for") {
  KafkaSettings settings;
  CHECK(batch_size_for(settings, 1'048'588) == kDefaultBatchSize);
  CHECK(batch_size_for(settings, 1000) == 900);
  CHECK(batch_size_for(settings, 100'000'000) == kDefaultBatchSize);
  settings.batch_size = 5000;
  CHECK(batch_size_for(settings, 1'048'588) == 5000);
}

TEST_CASE("librdkafka's errors are told apart by whose fault they are") {
  CHECK(classify(RD_KAFKA_RESP_ERR_NO_ERROR) == KafkaReport::delivered);
  CHECK(classify(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) == KafkaReport::oversized);
  CHECK(classify(RD_KAFKA_RESP_ERR_INVALID_RECORD) == KafkaReport::refused);
  CHECK(classify(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) == KafkaReport::topic_unknown);
  CHECK(classify(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) == KafkaReport::topic_denied);
  for (const auto error :
       {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
        RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR__FATAL}) {
    CHECK(classify(error) == KafkaReport::later);
  }
}

TEST_CASE("the same trouble reads the same at every attempt") {
  CHECK(plain_words(
            "127.0.0.1:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused "
            "(after 0ms in state CONNECT, 5 identical error(s) suppressed)") ==
        "127.0.0.1:9092: Connect to ipv4#127.0.0.1:9092 failed: Connection refused");
  CHECK(plain_words("[thrd:127.0.0.1:9092/bootstrap]: 127.0.0.1:9092/bootstrap: broken") ==
        "127.0.0.1:9092: broken");
}

TEST_CASE("a failed SCRAM login names librdkafka's own fault where it has it") {
  KafkaSettings settings;
  settings.scram = true;
  const std::string said =
      explain_error(RD_KAFKA_RESP_ERR__AUTHENTICATION, "b: bad credentials", settings);
  const bool has_fault = rd_kafka_version() < 0x020601ff;
  CHECK((said.find("Kafka 4") != std::string::npos) == has_fault);
  settings.scram = false;
  CHECK(explain_error(RD_KAFKA_RESP_ERR__AUTHENTICATION, "b: bad credentials", settings) ==
        "b: bad credentials");
}
