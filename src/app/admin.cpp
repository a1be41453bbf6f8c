// SPDX-License-Identifier: Apache-2.0
#include "app/admin.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "app/views.h"
#include "metrics/exporter.h"
#include "settings/address.h"

namespace tailgate::app {
namespace {

constexpr Millis kBeat{10'000};  // the intake loop comes round every second

void answer(httplib::Response& response, int status, const std::string& text,
            const char* type = "text/plain; charset=utf-8") {
  response.status = status;
  response.set_content(text, type);
}

// After a bind that failed, which the library says no more of.
std::string why_not_bound(int error) {
  if (error == EMFILE || error == ENFILE || error == EACCES) return std::strerror(error);
  return "the port is taken or the address is not this host's";
}

// A port is one process's: the library's own options let several share it, and each answers now and then.
void have_it_alone(httplib::Server& server) {
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

}  // namespace

struct AdminServer::Impl {
  const pipeline::Pipeline& pipeline;
  Log log;
  httplib::Server server;
  std::thread thread;

  Impl(const pipeline::Pipeline& served, Log use_log) : pipeline(served), log(std::move(use_log)) {}

  void routes() {
    have_it_alone(server);
    server.new_task_queue = [] { return new httplib::ThreadPool(2); };
    server.set_keep_alive_max_count(1);
    server.set_read_timeout(5, 0);
    server.set_write_timeout(5, 0);
    server.set_payload_max_length(std::size_t{64} << 10);
    server.Get("/healthz", [this](const httplib::Request&, httplib::Response& response) {
      const bool beats = pipeline.beats(std::chrono::steady_clock::now() - kBeat);
      answer(response, beats ? 200 : 503, beats ? "ok\n" : "the intake loop does not come round\n");
    });
    server.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const bool ready = pipeline.ready();
      answer(response, ready ? 200 : 503, ready ? "ok\n" : "the inputs are not watched yet\n");
    });
    server.Get("/delivery", [this](const httplib::Request&, httplib::Response& response) {
      const std::string trouble = delivery_trouble(pipeline);
      answer(response, trouble.empty() ? 200 : 503, trouble.empty() ? "ok\n" : trouble);
    });
    server.Get("/status", [this](const httplib::Request&, httplib::Response& response) {
      answer(response, 200, status_json(pipeline) + "\n", "application/json");
    });
    server.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      answer(response, 200, metrics::exposition(snapshot(pipeline)),
             "text/plain; version=0.0.4; charset=utf-8");
    });
  }
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AdminServer::~AdminServer() {
  impl_->server.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<void> AdminServer::try_listen(const std::string& listen) {
  const auto address = settings::Address::parse(listen);
  if (!address.has_value()) return fail("admin.listen: " + address.error().what);
  httplib::Server server;
  have_it_alone(server);
  errno = 0;
  if (address->port == 0 || server.bind_to_port(address->host, address->port)) return {};
  return fail(fmt::format("admin.listen: cannot listen on {}: {}", listen, why_not_bound(errno)));
}

Result<std::unique_ptr<AdminServer>> AdminServer::start(const std::string& listen,
                                                        const pipeline::Pipeline& pipeline,
                                                        Log log) {
  const auto address = settings::Address::parse(listen);
  if (!address.has_value()) return fail("admin.listen: " + address.error().what);
  auto impl = std::make_unique<Impl>(pipeline, std::move(log));
  impl->routes();
  const std::string& host = address->host;
  int port = address->port;
  errno = 0;
  const bool bound = port == 0 ? (port = impl->server.bind_to_any_port(host)) > 0
                               : impl->server.bind_to_port(host, port);
  if (!bound) {
    return fail(fmt::format("admin.listen: cannot listen on {}: {}", listen, why_not_bound(errno)));
  }
  impl->log.info("listens on {}:{}", host, port);
  impl->thread = std::thread([server = &impl->server] { server->listen_after_bind(); });
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

}  // namespace tailgate::app
