// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "core/sink.h"
#include "sinks/kafka_client.h"
#include "sinks/kafka_health.h"
#include "sinks/kafka_lane.h"
#include "sinks/kafka_settings.h"

namespace tailgate::sinks {

/// Feeds librdkafka and reads its delivery reports, on one thread of its own, so that waiting never reaches the caller.
/// Retries by itself: a batch is done when each of its events was delivered or refused for good. After a fatal error
/// (also a wish for a smaller batch.size) every report is awaited, the client is replaced, and what is unsettled goes
/// out again in its first order.
class KafkaProducer {
 public:
  KafkaProducer(KafkaSettings settings, const SinkContext& context);
  /// Stops at once.
  ~KafkaProducer();
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;

  /// Any thread. `done` comes from the producer's thread.
  void submit(const Batch& batch, Sink::Done done);
  [[nodiscard]] std::optional<std::string> stalled() const { return health_.stalled(clock_.now()); }
  /// What is not delivered by then gets the answer `retry`. All are done on return.
  void stop(Tick deadline);

 private:
  /// A topic: its messages, and its limit for record batches.
  struct Lane {
    Lane(const std::string& topic, bool condemnable) : queue(topic, condemnable) {}
    KafkaLane queue;
    std::size_t limit = 0;   // max.message.bytes; 0: not known
    bool asking = false;
    bool ready = false;      // the limit was asked for, whatever the answer
    int asked = 0;
  };

  void run();
  void take_inbox();
  void admit();
  Lane* lane_for(std::string_view topic);
  void pump(Tick now);
  void pump(Lane& lane, Tick now);
  void produce(rd_kafka_topic_t* topic, Lane& lane, Tick now);
  void produce_with_headers(rd_kafka_topic_t* topic, Tick now);
  void not_taken(std::size_t from, rd_kafka_resp_err_t error);
  void step_lanes(Tick now);

  void poll(Tick now);
  [[nodiscard]] Millis patience(Tick now) const;
  void handle(rd_kafka_event_t* event);
  void handle_reports(rd_kafka_event_t* event);
  void handle_error(rd_kafka_event_t* event);
  void handle_log(rd_kafka_event_t* event);
  void handle_limit(rd_kafka_event_t* event);

  void report(KafkaItem& item, rd_kafka_resp_err_t error, Tick now);
  void reject(KafkaItem& item, std::string reason);
  [[nodiscard]] std::string why_rejected(const KafkaItem& item, rd_kafka_resp_err_t error) const;
  void condemn(Lane& lane);
  void answered(KafkaItem& item);
  void say_topic_trouble(const KafkaLane& lane);

  void open_client(Tick now);
  void replace_client(Tick now);
  void give_up(Tick now);

  const KafkaSettings settings_;
  const Log log_;
  const Clock& clock_;
  KafkaHealth health_;

  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<KafkaWork> inbox_;          // guarded by mutex_
  KafkaClient* waiting_on_ = nullptr;    // guarded by mutex_: whose poll() a submit ends
  bool stopping_ = false;                // guarded by mutex_
  Tick deadline_{};                      // guarded by mutex_

  // The producer's thread alone.
  std::unique_ptr<KafkaClient> client_;
  std::thread retired_;                  // destroys the last client
  std::list<KafkaWork> works_;
  std::deque<std::pair<KafkaWork*, std::uint32_t>> unadmitted_;   // first event without a lane
  std::unordered_map<std::string, std::unique_ptr<Lane>> lanes_;
  Lane* last_lane_ = nullptr;
  KafkaEvidence evidence_;
  std::size_t outstanding_ = 0;
  std::size_t batch_size_ = kDefaultBatchSize;
  std::vector<KafkaItem*> sending_;
  std::vector<rd_kafka_message_t> messages_;
  std::vector<const rd_kafka_message_t*> reports_;
  std::vector<KafkaWork*> finished_;
  bool replacing_ = false;
  bool fatal_ = false;
  Tick replace_since_{};
  Tick open_at_{};
  std::uint32_t opened_ = 0;             // clients since the last delivery
  bool full_ = false;
  bool giving_up_ = false;
  std::uint64_t number_ = 0;
  std::string said_;
  Tick said_at_{};

  std::thread thread_;
};

}  // namespace tailgate::sinks
