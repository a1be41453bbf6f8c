// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "core/buffer.h"
#include "core/codec.h"

namespace tailgate::pipeline {

struct BatchLimits {
  std::size_t max_events = 500;
  Bytes max_bytes = Bytes{90} << 10;
  Millis max_wait{1000};
};

/// Collects encoded events of one sink until a batch is full or old, and pushes it to the lane's buffer. Intake thread.
class Batcher {
 public:
  Batcher(std::size_t sink, Codec& codec, Buffer& buffer, Credits& credits, BatchLimits limits);

  /// `text`: the event as JSON; `event` may lack what the codec does not read. An error is the event's own: it was not
  /// added.
  Result<void> add(const json::Event& event, std::string_view text,
                   const std::shared_ptr<Chunk>& chunk, std::uint32_t line, Tick now);
  /// Pushes the open batch if it is older than max_wait.
  void flush_old(Tick now);
  void flush();
  /// When flush_old() would push.
  [[nodiscard]] std::optional<Tick> due() const;

 private:
  std::size_t sink_;
  Codec& codec_;
  Buffer& buffer_;
  Credits& credits_;
  BatchLimits limits_;
  std::optional<Batch> open_;
  Batch::Room last_;  // of the batch before
};

}  // namespace tailgate::pipeline
