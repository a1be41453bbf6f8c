// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "app/commands.h"

int main(int argc, char** argv) {
  using namespace tailgate::app;
  CLI::App app{
      "tailgate ships flat JSON access logs as nested, checked events to EventGate, Kafka or HTTP; "
      "nothing is lost.",
      "tailgate"};
  app.require_subcommand(1);
  app.fallthrough(false);
  int exit_code = kSettled;
  for (auto* add : {add_run, add_pipe, add_validate, add_explain, add_usage, add_dead, add_health,
                    add_status, add_describe, add_version}) {
    add(app, exit_code);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kSettled : kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tailgate: %s\n", error.what());
    return kUndelivered;
  }
  return exit_code;
}
