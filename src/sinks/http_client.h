// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "sinks/http_message.h"

namespace tailgate::sinks {

/// All HTTP of a process, on one thread by libcurl's multi interface: connections are shared by the
/// sinks and kept open, and a hundred requests under way need no hundred threads. The thread starts
/// with the first request. Thread-safe.
class HttpClient {
 public:
  /// Called once per request, on the HTTP thread: must not block, must not throw.
  using Done = std::function<void(HttpResponse)>;

  HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// Requests still under way are cancelled.
  ~HttpClient();

  void submit(HttpRequest request, Done done);
  /// The requests of this owner are given up; their `done` is called soon, with `cancelled`.
  void cancel(const void* owner);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace tailgate::sinks
