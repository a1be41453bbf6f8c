// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace tailgate {

/// What became of one event in one attempt.
enum class Fate : std::uint8_t {
  delivered,
  retry,     // may be accepted later
  rejected,  // never will be: dead letter with the reason
};

struct Answer {
  std::uint32_t event = 0;  // index in the batch
  Fate fate = Fate::retry;
  bool own_fault =
      false;           // with retry: the message is known to be permanent for an event sent alone
  std::string reason;  // one sentence
  std::string detail;  // the server's own words: JSON or empty
};

/// What became of one attempt. The status table is in sinks/status.h; the sender acts on the kind alone.
struct Outcome {
  enum class Kind : std::uint8_t {
    answered,          // per event: those not in `answers` are delivered
    endpoint_trouble,  // not the events' fault: the lane waits and tries again for as long as it takes
    too_large,         // split, and remember
    suspect,           // refused as a whole, perhaps for one event: halve until it is alone
    unknown,           // not understood: some may have been accepted; again, in halves
    closed,            // the reader of our stdout is gone: nobody wants the rest
  };
  Kind kind = Kind::unknown;
  std::vector<Answer> answers;  // in the batch's order
  std::string reason;
  Millis retry_after{0};  // the server's wish; 0: none
  bool condemns_alone =
      false;  // suspect: an event that is alone is itself at fault, without further evidence
  std::string detail;  // suspect: the server's own words
};

}  // namespace tailgate
