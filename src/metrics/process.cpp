// SPDX-License-Identifier: Apache-2.0
#include "metrics/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace tailgate::metrics {
namespace {

double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  // The second field is the name in parentheses and may hold spaces; the third follows the last one.
  const std::size_t behind_name = line.rfind(')');
  if (behind_name != std::string::npos) {
    std::istringstream rest(line.substr(behind_name + 1));
    std::vector<std::string> fields{"", "", ""};  // so that fields[n] is the manual's field n
    for (std::string field; rest >> field;) fields.push_back(field);
    const auto number = [&](std::size_t n) {
      return n < fields.size() ? std::stod(fields[n]) : 0.0;
    };
    const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    stats.cpu_seconds = (number(14) + number(15)) / ticks;
    stats.start_time_seconds = boot_time() + number(22) / ticks;
    stats.virtual_bytes = number(23);
    stats.resident_bytes = number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  std::error_code ignored;
  for (auto at = std::filesystem::directory_iterator("/proc/self/fd", ignored);
       at != std::filesystem::directory_iterator(); at.increment(ignored)) {
    ++stats.open_fds;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = static_cast<double>(limit.rlim_cur);
  return stats;
}

}  // namespace tailgate::metrics
