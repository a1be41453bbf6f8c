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

struct HeaderList {
  explicit HeaderList(std::string_view text) {
    while (!text.empty()) {
      const std::string_view name = next(text);
      const std::string_view value = next(text);
      rd_kafka_vu_t& part = parts.emplace_back();
      part.vtype = RD_KAFKA_VTYPE_HEADER;
      part.u.header.name = name.data();  // followed by a NUL
      part.u.header.val = value.data();
      part.u.header.size = static_cast<ssize_t>(value.size());
    }
  }
  static std::string_view next(std::string_view& text) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
  }
  std::vector<rd_kafka_vu_t> parts;
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
  const std::string name(topic);
  auto found = lanes_.find(name);
  if (found == lanes_.end()) {
    if (lanes_.size() >= kMostTopics && !make_room()) return nullptr;
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
  for (std::size_t i = 0; i < sending_.size(); ++i) {
    KafkaItem& item = *sending_[i];
    const Batch& batch = *item.work->batch;
    const BatchEvent& event = batch.events()[item.work->index(item)];
    const std::string_view payload = batch.text(event);
    HeaderList list(batch.note(event.headers));
    std::array<rd_kafka_vu_t, 4> fixed{};
    fixed[0].vtype = RD_KAFKA_VTYPE_RKT;
    fixed[0].u.rkt = topic;
    fixed[1].vtype = RD_KAFKA_VTYPE_VALUE;
    fixed[1].u.mem = {without_const(payload), payload.size()};
    fixed[2].vtype = RD_KAFKA_VTYPE_OPAQUE;
    fixed[2].u.ptr = &item;
    fixed[3].vtype = RD_KAFKA_VTYPE_KEY;
    if (event.has_key) {
      const std::string_view key = batch.note(event.key);
      fixed[3].u.mem = {key_pointer(key), key.size()};
    }
    list.parts.insert(list.parts.end(), fixed.begin(), fixed.end());
    rd_kafka_error_t* error = nullptr;
    // What follows one that found no room must not overtake it.
    const bool full = i > 0 && messages_[i - 1].err == RD_KAFKA_RESP_ERR__QUEUE_FULL;
    if (!full) error = rd_kafka_produceva(client_->handle(), list.parts.data(), list.parts.size());
    messages_[i].err = full ? RD_KAFKA_RESP_ERR__QUEUE_FULL : rd_kafka_error_code(error);
    if (error != nullptr) rd_kafka_error_destroy(error);
    if (messages_[i].err == RD_KAFKA_RESP_ERR_NO_ERROR) ++taken;
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
