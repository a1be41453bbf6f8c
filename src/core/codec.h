// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "core/batch.h"
#include "json/event.h"

namespace tailgate {

/// Writes an event into a batch: its bytes, and where it goes. Belongs to one sink; called by the intake thread alone.
class Codec {
 public:
  virtual ~Codec() = default;
  [[nodiscard]] virtual Framing framing() const = 0;
  /// Appends the event's bytes to batch.body() and fills `out`'s notes. The batcher frames, and cancels after an error;
  /// an error is the event's own: dead letter.
  virtual Result<void> encode(const json::Event& event, Batch& batch, BatchEvent& out) = 0;
  /// Whether the event may join this batch (EventGate: a request never holds one meta.id twice). False closes the batch.
  virtual bool fits(const json::Event& event, const Batch& batch) = 0;
};

}  // namespace tailgate
