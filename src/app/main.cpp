// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "app/commands.h"

namespace {

// A descriptor that is closed at the start would be given to the first file that is opened, and output would go into it.
// Reading finds an end, writing fails with EBADF: the closed stdout that it is.
void hold_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDONLY);
  }
}

// What was printed may still be in a buffer, and the disk full.
int with_output_written(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  // `| head` has seen enough.
  pollfd reader{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&reader, 1, 0) > 0 && (reader.revents & POLLERR) != 0) return exit_code;
  std::perror("tailgate: standard output");
  return exit_code == tailgate::app::kSettled ? static_cast<int>(tailgate::app::kUndelivered)
                                              : exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace tailgate::app;
  hold_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
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
  add_general_flags(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kSettled : kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tailgate: %s\n", error.what());
    return kUndelivered;
  }
  return with_output_written(exit_code);
}
