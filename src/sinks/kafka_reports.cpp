// SPDX-License-Identifier: Apache-2.0
// KafkaProducer: from librdkafka to answers.
#include <fmt/format.h>

#include <utility>

#include "base/units.h"
#include "sinks/kafka_producer.h"

namespace tailgate::sinks {
namespace {

constexpr int kMostEvents = 64;  // before new batches are looked at
constexpr Millis kSayAgain{60'000};
constexpr int kSyslogWarning = 4;

}  // namespace

void KafkaProducer::poll(Tick now) {
  Millis wait = finished_.empty() ? patience(now) : Millis{0};
  for (int i = 0; i < kMostEvents; ++i) {
    rd_kafka_event_t* event = client_->poll(wait);
    if (event == nullptr) return;
    handle(event);
    rd_kafka_event_destroy(event);
    wait = Millis{0};
  }
}

void KafkaProducer::handle(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
      handle_reports(event);
      break;
    case RD_KAFKA_EVENT_ERROR:
      handle_error(event);
      break;
    case RD_KAFKA_EVENT_LOG:
      handle_log(event);
      break;
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
      handle_limit(event);
      break;
    case RD_KAFKA_EVENT_STATS:
      log_.debug("librdkafka statistics: {}", rd_kafka_event_stats(event));
      break;
    default:
      break;
  }
}

void KafkaProducer::handle_reports(rd_kafka_event_t* event) {
  const Tick now = clock_.now();
  const std::uint64_t before = evidence_.delivered;
  reports_.resize(rd_kafka_event_message_count(event));
  const std::size_t count = rd_kafka_event_message_array(event, reports_.data(), reports_.size());
  for (std::size_t i = 0; i < count; ++i) {
    report(*static_cast<KafkaItem*>(reports_[i]->_private), reports_[i]->err, now);
  }
  if (evidence_.delivered == before) return;
  fatalities_ = 0;
  evidence_.last = now;
  health_.progress(now);
}

void KafkaProducer::report(KafkaItem& item, rd_kafka_resp_err_t error, Tick now) {
  --outstanding_;
  KafkaReport means = classify(error);
  if (means != KafkaReport::delivered && rd_kafka_fatal_error(client_->handle(), nullptr, 0) != 0) {
    means = KafkaReport::later;
    want_new_client(true);
  }
  switch (item.lane->report(&item, means, now, evidence_)) {
    case KafkaLane::Verdict::delivered:
      ++evidence_.delivered;
      if (--item.work->left == 0) finished_.push_back(item.work);
      break;
    case KafkaLane::Verdict::rejected:
      refuse(item, error);
      break;
    case KafkaLane::Verdict::kept:
      if (means == KafkaReport::later)
        log_.debug("topic {}: {}; sent again", item.lane->topic(), rd_kafka_err2str(error));
      break;
  }
}

void KafkaProducer::reject(KafkaItem& item, Fate fate, std::string reason, std::string detail) {
  KafkaWork& work = *item.work;
  Answer answer;
  answer.event = work.index(item);
  answer.fate = fate;
  answer.reason = std::move(reason);
  answer.detail = std::move(detail);
  work.answers.push_back(std::move(answer));
  if (--work.left == 0) finished_.push_back(&work);
}

// The reason reads the same for every event with the same fault; what differs is in the detail.
void KafkaProducer::refuse(KafkaItem& item, rd_kafka_resp_err_t error) {
  const BatchEvent& event = item.work->batch->events()[item.work->index(item)];
  const std::size_t limit = static_cast<const Lane*>(item.lane)->limit;
  std::string reason = fmt::format("topic {}: {}", item.lane->topic(), rd_kafka_err2str(error));
  std::string detail;
  if (classify(error) == KafkaReport::oversized) {
    if (limit > 0) reason += fmt::format(" (max.message.bytes is {})", limit);
    detail = fmt::format("{{\"bytes\":{}}}", event.body.size + event.key.size + event.headers.size);
  }
  reject(item, Fate::rejected, std::move(reason), std::move(detail));
}

void KafkaProducer::condemn(Lane& lane) {
  const bool denied = lane.trouble() == KafkaReport::topic_denied;
  const std::vector<KafkaItem*> items = lane.take_all();
  log_.warn("topic {} {}: {} events refused", lane.topic(), denied ? "is denied" : "does not exist",
            items.size());
  for (KafkaItem* item : items) {
    reject(*item, Fate::rejected,
           fmt::format("{}: topic {}", denied ? "topic_denied" : "topic_unknown", lane.topic()));
  }
}

void KafkaProducer::finish() {
  // `done` may hand in the next batch, so nothing of this one may be touched after it.
  while (!finished_.empty()) {
    KafkaWork* work = finished_.back();
    finished_.pop_back();
    Sink::Done done = std::move(work->done);
    Outcome outcome;
    outcome.kind = Outcome::Kind::answered;
    outcome.answers = std::move(work->answers);
    works_.erase(work->number);
    if (works_.empty()) health_.busy(false, clock_.now());
    done(std::move(outcome));
  }
}

void KafkaProducer::say_topic_trouble(const Lane& lane) {
  std::string what;
  if (lane.trouble() == KafkaReport::topic_unknown) {
    what = fmt::format("topic {} does not exist, and the brokers do not create it", lane.topic());
  } else if (lane.trouble() == KafkaReport::topic_denied) {
    what = fmt::format("topic {}: this user may not write to it", lane.topic());
  } else if (lane.trouble() == KafkaReport::refused) {
    what = fmt::format("topic {}: the brokers refuse every record", lane.topic());
  } else {
    return;
  }
  log_.warn("{}; its events wait and are tried again", what);
  if (settings_.constant_topic) health_.trouble(std::move(what));
}

void KafkaProducer::handle_error(rd_kafka_event_t* event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(event);
  std::string text = explain_error(error, rd_kafka_event_error_string(event), settings_);
  if (rd_kafka_event_error_is_fatal(event) != 0) {
    log_.error("{}", text);
    health_.last_error(std::move(text));
    want_new_client(true);
    return;
  }
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return;  // what went before says why
  const Tick now = clock_.now();
  if (text != said_ || now - said_at_ > kSayAgain) {
    log_.warn("{}; trying again", text);
    said_ = text;
    said_at_ = now;
  }
  health_.last_error(text);
  if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__SSL)
    health_.trouble(std::move(text));
}

void KafkaProducer::handle_log(rd_kafka_event_t* event) {
  const char* facility = nullptr;
  const char* text = nullptr;
  int level = 0;
  if (rd_kafka_event_log(event, &facility, &text, &level) != 0) return;
  const std::string said = settings_.without_secrets(plain_words(text));
  const std::string_view what = facility;
  // FAIL, ERROR and FATAL come as error events too.
  if (level <= kSyslogWarning && what != "FAIL" && what != "ERROR" && what != "FATAL") {
    log_.warn("librdkafka {}: {}", what, said);
  } else {
    log_.debug("librdkafka {}: {}", what, said);
  }
}

void KafkaProducer::handle_limit(rd_kafka_event_t* event) {
  const TopicLimit answer = KafkaClient::read_limit(event);
  Lane& lane = *static_cast<Lane*>(answer.asker);
  lane.asking = false;
  // Whatever the answer: what turns out to be too large asks again.
  lane.ready = true;
  lane.limit_is_known();
  if (answer.bytes == 0) {
    log_.debug("topic {}: its limit is not known ({}), so Kafka's default is assumed", lane.topic(),
               rd_kafka_err2str(answer.error));
    return;
  }
  lane.limit = answer.bytes;
  const std::size_t wanted = batch_size_for(settings_, answer.bytes);
  if (wanted >= batch_size_) return;
  log_.info("topic {} takes {} at a time; batches are made to fit", lane.topic(),
            human_bytes(answer.bytes));
  batch_size_ = wanted;
  want_new_client(false);
}

}  // namespace tailgate::sinks
