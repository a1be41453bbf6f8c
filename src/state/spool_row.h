// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/uuid.h"

namespace tailgate::state {

/// One input that can be read only once: a pipe from its first byte to its end.
struct SpoolInput {
  std::int64_t id = 0;  // grows with time
  Uuid gen;
  std::string source;       // the name of the source that read it
  std::string identity;     // by which the same pipe is known again
  std::uint64_t begin = 0;  // what came before was settled by every sink and is no longer held
  std::uint64_t end = 0;    // behind the last byte held
  bool ended = false;       // nothing can follow
  bool line_open = false;   // the last byte held is inside a line
  bool complete = false;    // all that was read is held: what the pipe brings next follows it
  bool inflated = false;    // what is read is gz; what is held is not
};

/// What was read of an input at a time.
struct SpoolRow {
  std::int64_t id = 0;  // grows with time, over all inputs
  std::int64_t input = 0;
  Uuid gen;
  std::uint64_t offset = 0;  // of its first byte
  std::uint64_t length = 0;
  std::uint64_t lines = 0;  // that end in it
  WallTime read_at;
  std::string bytes;
  bool damaged = false;    // a checksum does not fit, or it is torn: trust none of it
  bool after_gap = false;  // what may be missing before it was dropped, and counted
};

}  // namespace tailgate::state
