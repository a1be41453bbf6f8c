// SPDX-License-Identifier: Apache-2.0
// KafkaProducer: from batches to librdkafka.
#include <algorithm>
#include <array>
#include <utility>

#include "sinks/kafka_producer.h"

namespace tailgate::sinks {
namespace {

constexpr std::size_t kMostTopics = 256;
constexpr std::size_t kAtOnce = 2000;
constexpr Millis kRefreshWait{2000};

// librdkafka takes pointers to what it does not change.
void* without_const(std::string_view text) {
  return const_cast<char*>(text.data());
}

/// An empty key is not the same as none: its pointer must not be null.
void* key_pointer(std::string_view key) {
  static constexpr std::string_view kEmpty = "";
  return without_const(key.data() == nullptr ? kEmpty : key);
}

std::string_view next_text(std::string_view& notes) {
  const std::size_t end = std::min(notes.find('\0'), notes.size());
  const std::string_view text = notes.substr(0, end);
  notes.remove_prefix(std::min(end + 1, notes.size()));
  return text;
}

/// Headers as an object of our own: librdkafka (2.0 to 2.8) frees those given one by one twice when it does not take
/// the message.
rd_kafka_headers_t* make_headers(std::string_view notes) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(8);
  while (!notes.empty()) {
    const std::string_view name = next_text(notes);
    const std::string_view value = next_text(notes);
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return headers;
}

/// The parts of a message for rd_kafka_produceva.
struct Parts {
  explicit Parts(KafkaItem& item) {
    const Batch& batch = *item.work->batch;
    const BatchEvent& event = batch.events()[item.work->index(item)];
    const std::string_view payload = batch.text(event);
    list[1].vtype = RD_KAFKA_VTYPE_VALUE;
    list[1].u.mem = {without_const(payload), payload.size()};
    list[2].vtype = RD_KAFKA_VTYPE_OPAQUE;
    list[2].u.ptr = &item;
    list[3].vtype = RD_KAFKA_VTYPE_KEY;
    if (event.has_key) {
      const std::string_view key = batch.note(event.key);
      list[3].u.mem = {key_pointer(key), key.size()};
    }
    list[4].vtype = RD_KAFKA_VTYPE_HEADERS;
    list[4].u.headers = make_headers(batch.note(event.headers));
  }
  std::array<rd_kafka_vu_t, 5> list{};
};

}  // namespace

void KafkaProducer::admit() {
  while (!unadmitted_.empty()) {
    auto& [work, from] = unadmitted_.front();
    const Batch& batch = *work->batch;
    for (; from < batch.size(); ++from) {
      Lane* lane = lane_for(batch.note(batch.events()[from].target));
      // All lanes are in use: the order is kept, and the rest waits until one is idle.
      if (lane == nullptr) return;
      work->items[from] = {work, lane};
      lane->add(&work->items[from]);
    }
    unadmitted_.pop_front();
  }
}

KafkaProducer::Lane* KafkaProducer::lane_for(std::string_view topic) {
  if (last_lane_ != nullptr && last_lane_->topic() == topic) return last_lane_;
  auto found = lanes_.find(topic);
  if (found == lanes_.end()) {
    if (lanes_.size() >= kMostTopics && !make_room()) return nullptr;
    const std::string name(topic);
    found = lanes_
                .emplace(name, std::make_unique<Lane>(name, !settings_.constant_topic,
                                                      settings_.pace.first_rest))
                .first;
  }
  return last_lane_ = found->second.get();
}

bool KafkaProducer::make_room() {
  for (auto at = lanes_.begin(); at != lanes_.end(); ++at) {
    if (!at->second->idle() || at->second->asking) continue;
    if (last_lane_ == at->second.get()) last_lane_ = nullptr;
    if (client_) client_->drop_topic(at->first);
    lanes_.erase(at);
    return true;
  }
  return false;
}

void KafkaProducer::pump(Tick now) {
  for (const auto& [topic, lane] : lanes_) {
    if (replacing_) return;
    if (!lane->wants_to_send()) continue;
    if (lane->ready) {
      pump_lane(*lane, now);
    } else if (!lane->asking) {
      ask_limit(*lane);
    }
  }
}

void KafkaProducer::ask_limit(Lane& lane) {
  lane.asking = true;
  client_->ask_limit(lane.topic(), settings_.pace.limit_wait, &lane);
}

void KafkaProducer::pump_lane(Lane& lane, Tick now) {
  rd_kafka_topic_t* topic = client_->topic(lane.topic());
  if (topic == nullptr) {
    for (KafkaItem* item : lane.take_all())
      reject(*item, Fate::rejected, "topic_unknown: librdkafka refuses the name");
    return;
  }
  while (lane.wants_to_send()) {
    lane.take(kAtOnce, now, sending_);
    if (sending_.empty()) return;
    outstanding_ += sending_.size();
    const std::size_t taken = settings_.headers ? produce_with_headers(topic) : produce(topic);
    if (taken == sending_.size()) continue;
    // Backwards, because what librdkafka's queue has no room for goes back to the front.
    bool full = false;
    for (std::size_t i = sending_.size(); i-- > 0;) {
      if (messages_[i].err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        full = true;
        --outstanding_;
        lane.put_back(sending_[i]);
      } else if (messages_[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        report(*sending_[i], messages_[i].err, now);
      }
    }
    if (full) return;  // until a report makes room
  }
}

std::size_t KafkaProducer::produce(rd_kafka_topic_t* topic) {
  messages_.resize(sending_.size());
  for (std::size_t i = 0; i < sending_.size(); ++i) {
    KafkaItem& item = *sending_[i];
    const Batch& batch = *item.work->batch;
    const BatchEvent& event = batch.events()[item.work->index(item)];
    const std::string_view payload = batch.text(event);
    rd_kafka_message_t& message = messages_[i];
    message = {};
    message.payload = without_const(payload);
    message.len = payload.size();
    if (event.has_key) {
      const std::string_view key = batch.note(event.key);
      message.key = key_pointer(key);
      message.key_len = key.size();
    }
    message._private = &item;
  }
  // Neither copied nor freed by librdkafka: the batch outlives its reports.
  return static_cast<std::size_t>(rd_kafka_produce_batch(
      topic, RD_KAFKA_PARTITION_UA, 0, messages_.data(), static_cast<int>(messages_.size())));
}

std::size_t KafkaProducer::produce_with_headers(rd_kafka_topic_t* topic) {
  messages_.assign(sending_.size(), {});
  std::size_t taken = 0;
  bool full = false;
  for (std::size_t i = 0; i < sending_.size(); ++i) {
    messages_[i].err = RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (full) continue;  // nothing may overtake what found no room
    Parts parts(*sending_[i]);
    parts.list[0].vtype = RD_KAFKA_VTYPE_RKT;
    parts.list[0].u.rkt = topic;
    rd_kafka_error_t* error =
        rd_kafka_produceva(client_->handle(), parts.list.data(), parts.list.size());
    messages_[i].err = rd_kafka_error_code(error);
    full = messages_[i].err == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (error == nullptr) {
      ++taken;
      continue;
    }
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(parts.list[4].u.headers);
  }
  return taken;
}

void KafkaProducer::step_lanes(Tick now) {
  for (const auto& [name, lane] : lanes_) {
    const KafkaReport before = lane->trouble();
    switch (lane->step(now, evidence_)) {
      case KafkaLane::Step::none:
        break;
      case KafkaLane::Step::condemned:
        condemn(*lane);
        break;
      case KafkaLane::Step::again:
        if (lane->trouble() == KafkaReport::topic_unknown ||
            lane->trouble() == KafkaReport::topic_denied) {
          if (rd_kafka_topic_t* topic = client_->topic(name)) client_->refresh(topic, kRefreshWait);
        }
        break;
    }
    if (lane->trouble() != before) say_topic_trouble(*lane);
    if (lane->oversized_together() && !lane->asking && !replacing_) ask_limit(*lane);
  }
}

}  // namespace tailgate::sinks
