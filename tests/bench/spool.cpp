// SPDX-License-Identifier: Apache-2.0
// The spool beside plain append and sync of the same 1 MiB batches, on the same disk, in turn in one run, because a disk
// is never the same twice: `bench_spool FOLDER [BATCHES]`. Nothing is released meanwhile: every byte reaches the file.
#include "state/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const std::function<bool()>& work) {
  const Clock::time_point begin = Clock::now();
  if (!work()) {
    std::perror("cannot write");
    std::exit(1);
  }
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: bench_spool FOLDER [BATCHES]\n");
    return 2;
  }
  const std::string folder = arguments[1];
  const int batches = count > 2 ? std::atoi(arguments[2]) : 500;
  const tailgate::SystemClock clock;
  auto opened = tailgate::state::Spool::open(folder, tailgate::Bytes{8} << 30, clock);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().what.c_str());
    return 1;
  }
  const std::string plain_path = folder + "/plain";
  const int fd =
      ::open(plain_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  tailgate::state::SpoolInput input;
  input.id = 1;
  input.gen = tailgate::Uuid::random();
  tailgate::state::SpoolRow row;
  row.gen = input.gen;
  row.bytes.resize(std::size_t{1} << 20);
  for (char& byte : row.bytes) byte = static_cast<char>('a' + std::rand() % 26);
  double plain = 0;
  double spool = 0;
  for (int i = 0; i < batches; ++i) {
    plain += seconds_of([&] {
      return ::write(fd, row.bytes.data(), row.bytes.size()) ==
                 static_cast<ssize_t>(row.bytes.size()) &&
             ::fdatasync(fd) == 0;
    });
    ++row.id;
    spool += seconds_of([&] { return opened->spool->append(input, row).has_value(); });
    row.offset += row.bytes.size();
  }
  ::close(fd);
  std::printf("| batches of 1 MiB | append + fdatasync | spool | ratio |\n|---:|---:|---:|---:|\n");
  std::printf("| %d | %.0f MiB/s | %.0f MiB/s | %.2f |\n", batches, batches / plain,
              batches / spool, plain / spool);
  return 0;
}
