// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tailgate::state {

/// What became of a damaged write-ahead log.
struct LogRepair {
  bool mended =
      false;  // all of it is believed again; damaged rows are found by their own checksums
  std::uint64_t lost_bytes = 0;  // what SQLite will not believe though it was committed, at most
};

/// SQLite believes its log up to the first frame whose checksum does not fit, and says nothing of the commits behind it: one
/// flipped bit would take megabytes. Checksums are therefore computed anew from there to the last commit, for a file whose
/// rows have checksums of their own. Damage in the last commit alone is left: it may be the torn write of a crash, which
/// nobody was told to be durable. Called on `path` (the log) before its database is opened; without a log it does nothing.
/// The format: https://www.sqlite.org/fileformat2.html#walformat
Result<LogRepair> repair_log(const std::string& path, std::uint32_t page_bytes);

}  // namespace tailgate::state
