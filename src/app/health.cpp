// SPDX-License-Identifier: Apache-2.0
// `health` and `status` ask the admin server of a running process: images need no curl for their probes.
#include <httplib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "app/commands.h"
#include "pipeline/build.h"
#include "settings/reader.h"

namespace tailgate::app {
namespace {

struct AskOptions {
  std::string config;
  std::string address;
};

// The address given, else the settings file's, else the default.
std::string address_of(const AskOptions& options) {
  if (!options.address.empty()) return options.address;
  if (options.config.empty()) return "127.0.0.1:9600";
  settings::Problems problems;
  const settings::Node root =
      settings::read_file(options.config, settings::process_environment(), problems);
  return pipeline::read_general(root, problems).admin_listen;
}

int ask(const AskOptions& options, const std::string& path, bool print) {
  std::string address = address_of(options);
  // A server that listens everywhere is asked here.
  if (address.rfind("0.0.0.0:", 0) == 0) address.replace(0, 7, "127.0.0.1");
  httplib::Client client("http://" + address);
  client.set_connection_timeout(3, 0);
  client.set_read_timeout(5, 0);
  const httplib::Result result = client.Get(path);
  if (!result) {
    std::fprintf(stderr, "tailgate: nothing answers on %s (%s)\n", address.c_str(),
                 httplib::to_string(result.error()).c_str());
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
  command->add_option("--admin", options->address, "host:port of the admin server.");
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
