// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
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
  struct Lane : KafkaLane {
    using KafkaLane::KafkaLane;
    std::size_t limit = 0;  // max.message.bytes; 0: not known
    bool ready = false;     // the limit was asked for, whatever the answer
    bool asking = false;
  };
  using Works = std::unordered_map<std::uint64_t, std::unique_ptr<KafkaWork>>;

  // kafka_producer.cpp: the loop, the client's life
  void run();
  [[nodiscard]] bool take_inbox();
  void open_client(Tick now);
  void replace_client(Tick now);
  void want_new_client(bool fatal);
  void give_up();
  void wait_without_client(Tick now);
  [[nodiscard]] Millis patience(Tick now) const;

  // kafka_sending.cpp: from batches to librdkafka
  void admit();
  Lane* lane_for(std::string_view topic);
  bool make_room();
  void pump(Tick now);
  void pump_lane(Lane& lane, Tick now);
  std::size_t produce(rd_kafka_topic_t* topic);
  std::size_t produce_with_headers(rd_kafka_topic_t* topic);
  void ask_limit(Lane& lane);
  void step_lanes(Tick now);

  // kafka_reports.cpp: from librdkafka to answers
  void poll(Tick now);
  void handle(rd_kafka_event_t* event);
  void handle_reports(rd_kafka_event_t* event);
  void handle_error(rd_kafka_event_t* event);
  void handle_log(rd_kafka_event_t* event);
  void handle_limit(rd_kafka_event_t* event);
  void report(KafkaItem& item, rd_kafka_resp_err_t error, Tick now);
  void reject(KafkaItem& item, Fate fate, std::string reason, std::string detail = {});
  void refuse(KafkaItem& item, rd_kafka_resp_err_t error);
  void condemn(Lane& lane);
  void finish();
  void say_topic_trouble(const Lane& lane);

  const KafkaSettings settings_;
  const Log log_;
  const Clock& clock_;
  KafkaHealth health_;

  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<std::unique_ptr<KafkaWork>> inbox_;  // guarded by mutex_
  KafkaClient* polled_ = nullptr;                  // guarded by mutex_: whose poll() a submit ends
  bool stopping_ = false;                          // guarded by mutex_
  Tick deadline_ = Tick::max();                    // guarded by mutex_
  std::uint64_t number_ = 0;                       // guarded by mutex_

  // The producer's thread alone.
  std::unique_ptr<KafkaClient> client_;
  std::thread retired_;  // destroys the client before
  Works works_;
  std::deque<std::pair<KafkaWork*, std::size_t>> unadmitted_;  // from this event on without a lane
  std::map<std::string, std::unique_ptr<Lane>, std::less<>> lanes_;
  Lane* last_lane_ = nullptr;
  KafkaEvidence evidence_;
  std::size_t outstanding_ = 0;
  std::size_t batch_size_;
  std::vector<KafkaItem*> sending_;
  std::vector<rd_kafka_message_t> messages_;
  std::vector<const rd_kafka_message_t*> reports_;
  std::vector<KafkaWork*> finished_;
  bool replacing_ = false;
  bool fatal_ = false;
  bool giving_up_ = false;
  Tick purge_at_ = Tick::max();
  Tick open_at_{};
  std::uint32_t fatalities_ = 0;  // since the last delivery
  Tick give_up_at_ = Tick::max();
  std::string said_;
  Tick said_at_{};

  std::thread thread_;
};

}  // namespace tailgate::sinks
