// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/batch.h"
#include "json/event.h"

namespace tailgate {

/// Writes an event into a batch: its bytes, and where it goes. Belongs to one sink; called by the intake thread alone.
class Codec {
 public:
  virtual ~Codec() = default;
  [[nodiscard]] virtual Framing framing() const = 0;
  /// Appends `text`, the event as JSON, to batch.body() and fills the notes of `out`, the last of batch.events(). The
  /// batcher frames, and cancels after an error; an error is the event's own: dead letter. `event` need not hold more than
  /// reads() can see.
  virtual Result<void> encode(const json::Event& event, std::string_view text, Batch& batch,
                              BatchEvent& out) = 0;
  /// Whether the event may join this batch (EventGate: a request never holds one meta.id twice). False closes the batch.
  virtual bool fits(const json::Event& event, const Batch& batch) = 0;
  /// Every path of an event that encode() and fits() look at.
  [[nodiscard]] virtual std::vector<json::Path> reads() const = 0;
};

}  // namespace tailgate
