// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_producer.h"

#include <algorithm>
#include <utility>

#include "base/thread.h"
#include "base/units.h"

namespace tailgate::sinks {
namespace {

constexpr Millis kIdle{5000};
constexpr Millis kOpenAgain{1000};
constexpr Millis kLongestPause{30'000};
// How long requests in flight may still be answered after a fatal error, before they are given up and sent again.
constexpr Millis kFatalPatience{10'000};

}  // namespace

KafkaProducer::KafkaProducer(KafkaSettings settings, const SinkContext& context)
    : settings_(std::move(settings)),
      log_(context.log),
      clock_(*context.clock),
      batch_size_(batch_size_for(settings_, kDefaultBatchSize * 2)),
      thread_(start_thread("kafka", [this] { run(); })) {}

KafkaProducer::~KafkaProducer() {
  stop(Tick{});
}

void KafkaProducer::submit(const Batch& batch, Sink::Done done) {
  if (batch.empty()) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::answered;
    done(std::move(outcome));
    return;
  }
  auto work = std::make_unique<KafkaWork>();
  work->batch = &batch;
  work->done = std::move(done);
  work->left = batch.size();
  const std::lock_guard lock(mutex_);
  work->number = number_++;
  inbox_.push_back(std::move(work));
  if (polled_ != nullptr) polled_->wake();
  woken_.notify_one();
}

void KafkaProducer::stop(Tick deadline) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    deadline_ = std::min(deadline_, deadline);
    if (polled_ != nullptr) polled_->wake();
    woken_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

bool KafkaProducer::take_inbox() {
  std::vector<std::unique_ptr<KafkaWork>> fresh;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    fresh.swap(inbox_);
    stopping = stopping_;
    give_up_at_ = deadline_;
  }
  for (std::unique_ptr<KafkaWork>& work : fresh) {
    work->items.resize(work->batch->size());
    unadmitted_.emplace_back(work.get(), 0);
    works_.emplace(work->number, std::move(work));
  }
  if (!fresh.empty()) health_.busy(true, clock_.now());
  return stopping;
}

void KafkaProducer::run() {
  while (true) {
    const bool stopping = take_inbox();
    const Tick now = clock_.now();
    if (stopping && now >= give_up_at_) give_up();
    if (stopping && works_.empty()) break;
    if (!client_ && now >= open_at_) open_client(now);
    if (!client_) {
      wait_without_client(now);
      continue;
    }
    if (replacing_ && outstanding_ == 0) {
      replace_client(now);
      continue;
    }
    if (now >= purge_at_) {
      rd_kafka_purge(client_->handle(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
      purge_at_ = Tick::max();
    }
    admit();
    step_lanes(now);
    if (!replacing_) pump(now);
    finish();
    poll(now);
    finish();
  }
  {
    const std::lock_guard lock(mutex_);
    polled_ = nullptr;
  }
  client_.reset();
  if (retired_.joinable()) retired_.join();
}

Millis KafkaProducer::patience(Tick now) const {
  Tick until = std::min({now + kIdle, give_up_at_, purge_at_});
  for (const auto& [topic, lane] : lanes_) until = std::min(until, lane->wake_at());
  return std::max(Millis{0}, std::chrono::ceil<Millis>(until - now));
}

void KafkaProducer::wait_without_client(Tick now) {
  std::unique_lock lock(mutex_);
  if (!inbox_.empty()) return;
  const auto wait = std::min(open_at_, give_up_at_) - now;
  if (wait > Tick::duration::zero()) woken_.wait_for(lock, std::min<Tick::duration>(wait, kIdle));
}

void KafkaProducer::open_client(Tick now) {
  auto client = KafkaClient::open(settings_, batch_size_);
  if (!client) {
    open_at_ = now + kOpenAgain;
    health_.trouble(client.error().what);
    log_.error("{}; next try in {}", client.error().what, human_duration(kOpenAgain));
    return;
  }
  client_ = std::move(*client);
  const std::lock_guard lock(mutex_);
  polled_ = client_.get();
  if (!inbox_.empty() || stopping_) polled_->wake();
}

void KafkaProducer::want_new_client(bool fatal) {
  if (fatal && !fatal_) {
    // librdkafka purges its queues by itself; what is in flight may still be answered.
    fatal_ = true;
    purge_at_ = clock_.now() + kFatalPatience;
  }
  replacing_ = true;
}

void KafkaProducer::replace_client(Tick now) {
  {
    const std::lock_guard lock(mutex_);
    polled_ = nullptr;
  }
  if (retired_.joinable()) retired_.join();
  retired_ = start_thread(
      "kafka-retire",
      [old = std::shared_ptr<KafkaClient>(std::move(client_))]() mutable { old.reset(); });
  for (const auto& [topic, lane] : lanes_) {
    lane->asking = false;
    lane->start_over(now);
  }
  open_at_ = now;
  if (fatal_) {
    const Millis pause =
        std::min(kLongestPause, Millis{250} * (1U << std::min(fatalities_++, 10U)));
    open_at_ = now + pause;
    log_.warn("starting a new producer in {}; what was not acknowledged is sent again",
              human_duration(pause));
  }
  replacing_ = false;
  fatal_ = false;
  purge_at_ = Tick::max();
}

void KafkaProducer::give_up() {
  if (client_ && !giving_up_ && outstanding_ > 0) {
    rd_kafka_purge(client_->handle(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }
  giving_up_ = true;
  give_up_at_ = clock_.now() + Millis{100};
  for (const auto& [topic, lane] : lanes_) {
    for (KafkaItem* item : lane->take_all())
      reject(*item, Fate::retry, "stopped before a broker answered");
  }
  for (const auto& [work, from] : unadmitted_) {
    for (std::size_t i = from; i < work->items.size(); ++i) {
      work->items[i].work = work;
      reject(work->items[i], Fate::retry, "stopped before a broker answered");
    }
  }
  unadmitted_.clear();
  finish();
}

}  // namespace tailgate::sinks
