// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/uuid.h"
#include "core/stream.h"
#include "state/database.h"
#include "state/lock.h"

namespace tailgate::state {

/// How a file is known again after a restart, whatever its name is by then: the hashes of its first
/// bytes and of the bytes before `offset`. A file matches when it holds at least `offset` bytes and
/// both hashes are equal.
struct Fingerprint {
  std::uint64_t offset = 0;    // no sink has settled anything behind it
  std::uint64_t head_len = 0;  // at most 1,024 and at most `offset`
  std::string head_hash;
  std::uint64_t tail_len = 0;  // at most 256 and at most `offset`
  std::string tail_hash;
  bool operator==(const Fingerprint&) const = default;
};

/// What is kept of one generation of one file.
struct Checkpoint {
  Uuid gen;
  std::string source;
  std::string path;  // where it was last seen
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;  // when it was last looked at: what is lost if it never comes back
  Fingerprint fingerprint;
  std::vector<std::pair<std::string, SinkPosition>> positions;  // by the sink's name
  bool orphaned = false;                                        // its file is gone
  bool operator==(const Checkpoint&) const = default;
};

inline constexpr std::size_t kMaxRangeBytes = 4096;
/// Settled ranges as bytes: pairs of varints (gap after the last end, length) beginning at the
/// position's offset. At most `limit` bytes: later ranges are left out, so they are read again
/// after a crash.
std::string encode_ranges(const SinkPosition& position, std::size_t limit = kMaxRangeBytes);
/// Whether one more range may not fit in.
bool ranges_full(const SinkPosition& position);
/// Bytes that are not such an encoding yield the ranges before them.
SinkPosition decode_ranges(std::uint64_t offset, std::string_view bytes);

/// state.db: positions, generations and durable totals (its tables: schema in store.cpp). WAL with
/// synchronous=NORMAL: it survives kill -9 at any instruction; a power cut may lose the last
/// commits, so lines repeat. Used by the intake thread alone. After an error the positions on disk
/// stay behind, and the next save brings everything.
class Store {
 public:
  struct Options {
    std::string directory;       // made when missing
    Millis grace{0};             // how long to wait for another process that ends
    bool allow_network = false;  // take a network file system all the same
    DirectoryLock::Waiting waiting = {};
  };
  static Result<std::unique_ptr<Store>> open(const Options& options);

  /// The generations of one source, in the order in which they were first saved.
  Result<std::vector<Checkpoint>> load(const std::string& source);
  /// Saves and forgets in one transaction; the tallies of what is forgotten stay in the totals.
  Result<void> save(std::span<const Checkpoint> records, std::span<const Uuid> forgotten = {});

  /// Whether the last error was one of space.
  [[nodiscard]] bool lacks_space() const { return database_.lacks_space(); }

  /// The durable side of the ledger: what became of every line of a source since its first, by the sink's name.
  Result<std::map<std::string, Tally>> totals(const std::string& source);

 private:
  Store(DirectoryLock lock, Database database);
  Result<void> upgrade();
  Result<void> put(const Checkpoint& record);
  Result<void> retire(const Uuid& gen);

  DirectoryLock lock_;
  Database database_;
};

}  // namespace tailgate::state
