// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/batch.h"

namespace tailgate {

/// Where batches wait for their lane: the only thing that the intake and a lane share. Thread-safe.
class Buffer {
 public:
  virtual ~Buffer() = default;
  /// Never blocks. The intake reads only while there is credit, so what was read always fits.
  virtual void push(Batch batch) = 0;
  /// The oldest batch, or nothing.
  virtual std::optional<Batch> pop() = 0;
  [[nodiscard]] virtual std::size_t events() const = 0;
};

}  // namespace tailgate
