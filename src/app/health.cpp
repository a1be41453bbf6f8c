// SPDX-License-Identifier: Apache-2.0
// `health` and `status` ask the admin server of a running process: images need no curl for their probes.
#include <httplib.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "app/commands.h"
#include "app/flags.h"
#include "app/session.h"
#include "pipeline/build.h"
#include "settings/address.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

struct AskOptions {
  std::string config;
  std::string address;
};

// The address given, else the settings file's, else the default; nothing after saying what is wrong.
std::optional<settings::Address> address_of(const AskOptions& options) {
  std::string text = options.address.empty() ? "127.0.0.1:9600" : options.address;
  if (options.address.empty() && !options.config.empty()) {
    settings::Problems problems;
    const settings::Node root =
        settings::read_file(options.config, settings::process_environment(), problems);
    text = pipeline::read_general(root, problems).admin_listen;
    if (say_problems(problems)) return std::nullopt;
    if (text == "none") {
      std::fprintf(stderr, "tailgate: %s has no admin server (admin.listen: none)\n",
                   options.config.c_str());
      return std::nullopt;
    }
  }
  auto address = settings::Address::parse(text);
  if (!address.has_value() || address->port == 0) {
    const std::string what =
        address.has_value() ? "\"" + text + "\": port 0 is any port" : address.error().what;
    std::fprintf(stderr, "tailgate: --admin: %s\n", what.c_str());
    return std::nullopt;
  }
  // A server that listens everywhere is asked here.
  if (address->host == "0.0.0.0") address->host = "127.0.0.1";
  if (address->host == "::") address->host = "::1";
  return *address;
}

// Why a connection cannot be made, in the system's words: httplib only says that it failed.
std::string why_not(const settings::Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int wrong =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (wrong != 0) return ::gai_strerror(wrong);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> keep(found, &::freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const bool connected = ::connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  std::string why = connected               ? "it takes connections but gives no answer"
                    : errno == EINPROGRESS  ? "connection timed out"
                    : errno == ECONNREFUSED ? "connection refused"
                                            : std::strerror(errno);
  ::close(fd);
  return why;
}

int ask(const AskOptions& options, const std::string& path, bool print) {
  const auto address = address_of(options);
  if (!address) return kUsage;
  httplib::Client client(address->host, address->port);
  client.set_connection_timeout(3, 0);
  client.set_read_timeout(5, 0);
  const httplib::Result result = client.Get(path);
  if (!result) {
    std::fprintf(stderr, "tailgate: nothing answers on %s: %s\n", address->text().c_str(),
                 why_not(*address).c_str());
    return kUndelivered;
  }
  if (print || result->status != 200) {
    std::fputs(result->body.c_str(), result->status == 200 ? stdout : stderr);
  }
  return result->status == 200 ? kSettled : kUndelivered;
}

void add_ask(CLI::App& app, int& exit_code, const std::string& name, const std::string& text,
             const std::string& path, bool print) {
  auto options = std::make_shared<AskOptions>();
  CLI::App* command = app.add_subcommand(name, text);
  command->add_option("-c,--config", options->config, "Take the address from this settings file.");
  command->add_option("--admin", options->address, "host:port of the admin server.")
      ->check(not_empty());
  command->callback([options, path, print, &exit_code] { exit_code = ask(*options, path, print); });
}

}  // namespace

void add_health(CLI::App& app, int& exit_code) {
  add_ask(app, exit_code, "health", "Ask a running process whether it is well (for exec probes).",
          "/healthz", false);
}

void add_status(CLI::App& app, int& exit_code) {
  add_ask(app, exit_code, "status", "Print the status of a running process as JSON.", "/status",
          true);
}

}  // namespace tailgate::app
