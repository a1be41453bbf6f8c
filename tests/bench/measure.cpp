// SPDX-License-Identifier: Apache-2.0
// Runs one program and says what it cost: `measure FILE PROGRAM ARGUMENTS…` writes one line to FILE, "user_us system_us
// max_rss_kib wall_us status". A program of its own, because a child counts the memory of the process that it was
// forked from in its own peak: this one is small. SIGTERM is handed on.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>

namespace {

volatile sig_atomic_t child = 0;

void hand_on(int signal) {
  if (child > 0) ::kill(child, signal);
}

long micros(const timeval& time) {
  return time.tv_sec * 1'000'000L + time.tv_usec;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: measure FILE PROGRAM ARGUMENTS…\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  child = ::fork();
  if (child == 0) {
    ::execvp(arguments[2], arguments + 2);
    std::perror(arguments[2]);
    ::_exit(127);
  }
  if (child < 0) return 2;
  std::signal(SIGTERM, hand_on);
  int status = 0;
  rusage used{};
  while (::wait4(child, &status, 0, &used) < 0) {
  }
  const auto wall = std::chrono::steady_clock::now() - begin;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::FILE* out = std::fopen(arguments[1], "w");
  if (out == nullptr) return 2;
  std::fprintf(
      out, "%ld %ld %ld %ld %d\n", micros(used.ru_utime), micros(used.ru_stime), used.ru_maxrss,
      static_cast<long>(std::chrono::duration_cast<std::chrono::microseconds>(wall).count()), code);
  std::fclose(out);
  return code;
}
