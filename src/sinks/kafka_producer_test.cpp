// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_producer.h"

#include <doctest/doctest.h>
#include <librdkafka/rdkafka_mock.h>

#include <future>
#include <map>
#include <string>

using namespace tailgate;
using namespace tailgate::sinks;

namespace {

constexpr int kProduceRequest = 0;  // Kafka's API key

/// librdkafka's own cluster in memory, with one broker on a port of its own.
struct MockCluster {
  MockCluster() {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    cluster = rd_kafka_mock_cluster_new(handle, 1);
  }
  ~MockCluster() {
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(handle);
  }
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

  void fail_produce(std::initializer_list<rd_kafka_resp_err_t> errors) const {
    const std::vector<rd_kafka_resp_err_t> list(errors);
    rd_kafka_mock_push_request_errors_array(cluster, kProduceRequest, list.size(), list.data());
  }

  rd_kafka_t* handle;
  rd_kafka_mock_cluster_t* cluster;
};

struct Fixture {
  Fixture() { rd_kafka_mock_topic_create(mock.cluster, "t", 1, 1); }

  [[nodiscard]] std::unique_ptr<KafkaProducer> producer(bool constant = true) const {
    KafkaSettings settings;
    settings.brokers = rd_kafka_mock_cluster_bootstraps(mock.cluster);
    settings.topic = "t";
    settings.constant_topic = constant;
    settings.headers = true;
    settings.pace = {Millis(5), Millis(20)};
    settings.properties = {{"enable.idempotence", "true"},
                           {"message.timeout.ms", "0"},
                           {"topic.metadata.propagation.max.ms", "100"},
                           {"reconnect.backoff.ms", "10"},
                           {"retry.backoff.ms", "10"}};
    SinkContext context;
    context.clock = &clock;
    return std::make_unique<KafkaProducer>(std::move(settings), context);
  }
  std::unique_ptr<Batch> batch(std::initializer_list<std::string> topics) {
    auto out = std::make_unique<Batch>(0, Framing{}, credits);
    for (const std::string& topic : topics) {
      BatchEvent& event = out->begin_event(chunk, line++);
      out->body().append("{\"topic\":\"" + topic + "\"}");
      event.target = out->note(topic);
      event.headers = out->note(std::string_view("source\0test\0", 12));
      out->end_event();
    }
    return out;
  }
  static std::future<Outcome> send(KafkaProducer& producer, const Batch& batch) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    producer.submit(batch, [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return promise->get_future();
  }
  static Outcome wait(std::future<Outcome>&& outcome) {
    REQUIRE(outcome.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    return outcome.get();
  }

  MockCluster mock;
  SystemClock clock;
  Credits credits{1 << 20, 0};
  std::shared_ptr<Stream> stream = std::make_shared<Stream>(
      Uuid::random(), "log", "/log", std::vector<SinkPosition>{SinkPosition{}});
  std::shared_ptr<Chunk> chunk = stream->add_chunk({0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100});
  std::uint32_t line = 0;
};

}  // namespace

TEST_CASE("a batch is done when each of its events was delivered") {
  Fixture f;
  const auto producer = f.producer();
  const auto batch = f.batch({"t", "t", "t"});
  const Outcome outcome = Fixture::wait(Fixture::send(*producer, *batch));
  CHECK(outcome.kind == Outcome::Kind::answered);
  CHECK(outcome.answers.empty());
  CHECK_FALSE(producer->stalled());
  batch->settle_all();
}

TEST_CASE(
    "messages too large together are delivered one by one, and one too large alone is refused") {
  Fixture f;
  const auto producer = f.producer();
  const auto batch = f.batch({"t", "t"});
  f.mock.fail_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_NO_ERROR,
                       RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  const Outcome outcome = Fixture::wait(Fixture::send(*producer, *batch));
  REQUIRE(outcome.answers.size() == 1);
  CHECK(outcome.answers[0].event == 1);
  CHECK(outcome.answers[0].fate == Fate::rejected);
  CHECK(outcome.answers[0].reason == "topic t: Broker: Message size too large");
  CHECK(outcome.answers[0].detail == "{\"bytes\":25}");
  batch->settle_all();
}

TEST_CASE("a denied constant topic is said, and its events wait until it is granted") {
  Fixture f;
  const auto producer = f.producer();
  const auto batch = f.batch({"t"});
  f.mock.fail_produce({RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  const Outcome outcome = Fixture::wait(Fixture::send(*producer, *batch));
  CHECK(outcome.answers.empty());
  CHECK_FALSE(producer->stalled());
  batch->settle_all();
}

TEST_CASE("a fatal error brings a new producer, and what is unsettled is sent again") {
  Fixture f;
  const auto producer = f.producer();
  const auto first = f.batch({"t", "t"});
  CHECK(Fixture::wait(Fixture::send(*producer, *first)).answers.empty());
  // The broker has lost the producer's sequence: fatal for an idempotent producer.
  f.mock.fail_produce(
      {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH});
  const auto second = f.batch({"t", "t"});
  CHECK(Fixture::wait(Fixture::send(*producer, *second)).answers.empty());
  first->settle_all();
  second->settle_all();
}

TEST_CASE("what no broker took until the deadline is not delivered") {
  Fixture f;
  rd_kafka_mock_broker_set_down(f.mock.cluster, 1);
  const auto producer = f.producer();
  const auto batch = f.batch({"t", "t"});
  auto pending = Fixture::send(*producer, *batch);
  producer->stop(f.clock.now() + Millis(50));
  const Outcome outcome = Fixture::wait(std::move(pending));
  CHECK(outcome.kind == Outcome::Kind::answered);
  REQUIRE(outcome.answers.size() == 2);
  CHECK(outcome.answers[0].fate == Fate::retry);
  batch->settle_all();
}

TEST_CASE(
    "one unknown topic of a template does not hold up the others, and is refused in the end") {
  Fixture f;
  rd_kafka_mock_topic_set_error(f.mock.cluster, "missing", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  const auto producer = f.producer(false);
  const auto refused = f.batch({"missing"});
  auto pending = Fixture::send(*producer, *refused);
  // Others get through between the attempts: evidence that the fault is the topic's own.
  while (pending.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    f.line = 1;
    const auto good = f.batch({"t"});
    CHECK(Fixture::wait(Fixture::send(*producer, *good)).answers.empty());
    good->settle_all();
  }
  const Outcome outcome = pending.get();
  REQUIRE(outcome.answers.size() == 1);
  CHECK(outcome.answers[0].fate == Fate::rejected);
  CHECK(outcome.answers[0].reason == "topic_unknown: topic missing");
  refused->settle_all();
}
