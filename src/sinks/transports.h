// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>

#include "sinks/http_client.h"

namespace tailgate {

/// What the network sinks of a process share. Sinks hold it by shared_ptr; the last one out ends
/// the threads. Thread-safe.
class Transports {
 public:
  /// Made at first use: a process without HTTP sinks has no HTTP thread.
  sinks::HttpClient& http();

 private:
  std::mutex mutex_;
  std::unique_ptr<sinks::HttpClient> http_;
};

}  // namespace tailgate
