// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/units.h"
#include "base/uuid.h"
#include "state/ballast.h"
#include "state/database.h"
#include "state/log_repair.h"

namespace tailgate::state {

/// One input that can be read only once: a pipe from its first byte to its end.
struct SpoolInput {
  std::int64_t id = 0;  // grows with time
  Uuid gen;
  std::string source;       // the name of the source that read it
  std::string identity;     // by which the same pipe is known again
  std::uint64_t begin = 0;  // what came before was settled by every sink and is no longer held
  std::uint64_t end = 0;    // behind the last byte held
  bool ended = false;       // nothing can follow
  bool line_open = false;   // the last byte held is inside a line
};

/// What was read of an input at a time.
struct SpoolRow {
  std::int64_t id = 0;  // grows with time, over all inputs
  std::int64_t input = 0;
  Uuid gen;
  std::uint64_t offset = 0;  // of its first byte
  std::uint64_t length = 0;
  std::uint64_t lines = 0;  // that end in it
  WallTime read_at;
  std::string bytes;
  bool damaged = false;  // the checksum does not fit: trust none of it
};

/// spool.db: the bytes of inputs that cannot be read again, until every sink has settled them. A row is one read, with a
/// CRC over its place and its bytes. WAL, synchronous=FULL, 64 KiB pages: what append() accepted survives a power cut,
/// at one write and one sync; the log is taken into the file in large steps, so most of a load that flows is never
/// written twice. The directory belongs to the Store, whose lock guards this file too. One thread.
class Spool {
 public:
  static constexpr int kPageBytes = 64 << 10;

  struct Opened {
    std::unique_ptr<Spool> spool;
    std::vector<SpoolInput> inputs;  // of earlier runs, in their order
    std::string moved;               // where a damaged one is now; empty: it was sound
    std::uint64_t moved_bytes = 0;   // how much it may have held
    LogRepair log = {};
  };
  /// `max_bytes`: of the file and its log together. A damaged file is moved to spool.db.corrupt-TIME, and an empty one
  /// takes its place.
  static Result<Opened> open(const std::string& directory, Bytes max_bytes, const Clock& clock);
  /// The same for a file that was found damaged while it was in use, and is closed.
  static Result<Opened> open_anew(const std::string& directory, Bytes max_bytes,
                                  const Clock& clock);

  /// The row after `id`; nothing when there is none. A damaged one is returned as such.
  Result<std::optional<SpoolRow>> next(std::int64_t id);
  /// Durable when it returns. The first row of an input brings the input with it. `last_chance`: the process ends, so
  /// the ballast and the limit give way.
  Result<void> append(const SpoolInput& input, const SpoolRow& row, bool last_chance = false);
  /// Notes that nothing follows what ends at `offset`.
  Result<void> end(std::int64_t input, std::uint64_t offset);
  /// Deletes the rows that end at or before `offset`; with `whole`, the input itself too.
  Result<void> release(std::int64_t input, std::uint64_t offset, bool whole);
  struct Dropped {
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
  };
  /// Deletes the oldest whole lines in rows after `id`, until `bytes` are free or there are none.
  Result<Dropped> drop_oldest(std::int64_t id, std::uint64_t bytes);
  /// Lets others have the ballast's space, until the next append().
  void lend();
  /// Gives the disk what an empty file holds.
  void shrink();

  [[nodiscard]] std::int64_t last_row() const { return last_row_; }
  /// Of which kind the last error was.
  [[nodiscard]] Trouble trouble() const { return trouble_; }

 private:
  Spool(std::string directory, Bytes max_bytes, Bytes log_bytes, Database database);
  static Result<Opened> try_open(const std::string& directory, Bytes max_bytes, Trouble& trouble);
  static std::int64_t pages_for(std::uint64_t bytes);
  Result<void> upgrade();
  Result<std::vector<SpoolInput>> inputs();
  Result<void> check_room(std::uint64_t bytes);
  Result<void> put(const SpoolInput& input, const SpoolRow& row);
  Result<std::optional<SpoolRow>> read(std::int64_t id, bool with_bytes);
  [[nodiscard]] bool log_is_long() const;
  template <class Work>
  Result<void> with_ballast(Work work);
  struct OldestLines {
    std::int64_t first = 0;
    std::int64_t last = 0;  // 0: there are none
    Dropped dropped;
  };
  Result<OldestLines> oldest_lines(std::int64_t id, std::uint64_t bytes);
  Result<std::int64_t> last_settled_row(std::int64_t input, std::uint64_t offset);
  Result<void> release_rows(std::int64_t input, std::int64_t last, std::uint64_t offset,
                            bool whole);

  std::string directory_;
  Bytes max_bytes_;
  Bytes log_bytes_;  // where the log is taken in
  Database database_;
  Ballast ballast_;
  std::int64_t max_pages_;
  Trouble trouble_ = Trouble::none;
  std::int64_t last_row_ = 0;
  std::int64_t last_input_ = 0;
};

}  // namespace tailgate::state
