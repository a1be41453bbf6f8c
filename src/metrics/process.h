// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tailgate::metrics {

/// What the kernel says of this process: proc(5), /proc/self/stat and /proc/self/fd.
struct ProcessStats {
  double cpu_seconds = 0;
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double start_time_seconds = 0;  // since the epoch
  double open_fds = 0;
  double max_fds = 0;
};

ProcessStats read_process_stats();

}  // namespace tailgate::metrics
