// SPDX-License-Identifier: Apache-2.0
#include "sinks/transports.h"

namespace tailgate {

sinks::HttpClient& Transports::http() {
  const std::lock_guard lock(mutex_);
  if (!http_) http_ = std::make_unique<sinks::HttpClient>();
  return *http_;
}

}  // namespace tailgate
