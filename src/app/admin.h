// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "pipeline/pipeline.h"

namespace tailgate::app {

/// The admin server: GET /healthz, /readyz, /delivery, /status, /metrics. Neither health nor readiness ever depends on a
/// sink: a logging outage must not take the proxy out of service. Two threads, no keep-alive, 5 s timeouts.
class AdminServer {
 public:
  /// `listen`: host:port; port 0 picks a free one, which is logged. `pipeline` must outlive the server.
  static Result<std::unique_ptr<AdminServer>> start(const std::string& listen,
                                                    const pipeline::Pipeline& pipeline, Log log);
  /// Whether start() could listen there now.
  static Result<void> try_listen(const std::string& listen);
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

 private:
  struct Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tailgate::app
