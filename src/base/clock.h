// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

namespace tailgate {

using Millis = std::chrono::milliseconds;
/// For waiting and measuring; never jumps.
using Tick = std::chrono::steady_clock::time_point;
/// For what people and events are told; may jump.
using WallTime = std::chrono::system_clock::time_point;

/// The seam for time: tests hand in a clock they move themselves. Implementations may be used from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Tick now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Tick now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

/// RFC 3339 in UTC with milliseconds: 2026-11-23T00:47:27.919Z.
std::string rfc3339(WallTime time);

}  // namespace tailgate
