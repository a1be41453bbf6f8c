// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"

namespace tailgate::sinks {

/// Why nothing moves, while nothing does: written by the producer's thread, read by any.
class KafkaHealth {
 public:
  /// The first of the batches under way, or the last of them is done.
  void busy(bool busy, Tick now);
  /// A delivery: all is well.
  void progress(Tick now);
  /// What librdkafka said last, to be told when nothing moves for a while.
  void last_error(std::string text);
  /// Something that will not pass by itself: told at once, until something is delivered.
  void trouble(std::string text);

  [[nodiscard]] std::optional<std::string> stalled(Tick now) const;

 private:
  mutable std::mutex mutex_;
  bool busy_ = false;
  Tick since_{};  // of the last delivery, or of the first batch after a pause
  std::string last_error_;
  std::string trouble_;
};

}  // namespace tailgate::sinks
