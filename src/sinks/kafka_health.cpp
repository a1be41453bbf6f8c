// SPDX-License-Identifier: Apache-2.0
#include "sinks/kafka_health.h"

#include <fmt/format.h>

#include <utility>

#include "base/units.h"

namespace tailgate::sinks {
namespace {

constexpr Millis kPatience{10'000};

}  // namespace

void KafkaHealth::busy(bool busy, Tick now) {
  const std::lock_guard lock(mutex_);
  if (busy && !busy_) since_ = now;
  busy_ = busy;
}

void KafkaHealth::progress(Tick now) {
  const std::lock_guard lock(mutex_);
  since_ = now;
  last_error_.clear();
  trouble_.clear();
}

void KafkaHealth::last_error(std::string text) {
  const std::lock_guard lock(mutex_);
  last_error_ = std::move(text);
}

void KafkaHealth::trouble(std::string text) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(text);
}

std::optional<std::string> KafkaHealth::stalled(Tick now) const {
  const std::lock_guard lock(mutex_);
  if (!busy_) return std::nullopt;
  if (!trouble_.empty()) return trouble_;
  if (now - since_ < kPatience) return std::nullopt;
  const auto silent = std::chrono::duration_cast<std::chrono::seconds>(now - since_);
  return fmt::format("no delivery report for {}: {}", human_duration(silent),
                     last_error_.empty() ? "the brokers do not answer" : last_error_);
}

}  // namespace tailgate::sinks
