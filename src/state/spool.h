// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/units.h"
#include "state/ballast.h"
#include "state/spool_row.h"
#include "state/spool_segment.h"

namespace tailgate::state {

/// data_dir/spool: the bytes of inputs that cannot be read again, until every sink has settled them. Segments of rows, a
/// row being one read: to keep it costs one write and one sync, to delete it writes nothing. What is settled goes with
/// its segment, so up to a segment of it may still be there after a restart; positions in state.db say so. What append()
/// accepted survives a power cut. The directory belongs to the Store, whose lock guards this folder too. One thread.
class Spool {
 public:
  struct SetAside {
    std::string path;  // where it is now
    std::uint64_t bytes = 0;
  };
  struct Opened {
    std::unique_ptr<Spool> spool;
    std::vector<SpoolInput> inputs;   // of earlier runs, in their order
    std::vector<SetAside> set_aside;  // segments that cannot be used
  };
  /// `max_bytes`: of all segments together. A segment whose head is damaged, or that the disk cannot read, is moved to
  /// data_dir/spool.damaged-TIME-NAME.
  static Result<Opened> open(const std::string& directory, Bytes max_bytes, const Clock& clock);

  /// The row after `id`; nothing when there is none. A damaged one is returned as such.
  Result<std::optional<SpoolRow>> next(std::int64_t id);
  /// Durable when it returns. `last_chance`: the process ends, so the ballast and the limit give way.
  Result<void> append(const SpoolInput& input, const SpoolRow& row, bool last_chance = false);
  /// Notes that nothing follows in the input of the last row, or that it holds all that was read. Not synced.
  void note(SpoolSegment::Note what);
  /// That its last input holds all that was read does not hold any longer. Durable when it returns.
  Result<void> take_back_note();
  /// Deletes what ends at or before `offset`, by whole segments; with `whole`, all of the input.
  Result<void> release(std::int64_t input, std::uint64_t offset, bool whole);
  struct Dropped {
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
  };
  /// Deletes the oldest segments whose rows are all after `id` and whose lines are whole, until `bytes` are free or there
  /// are none.
  Result<Dropped> drop_oldest(std::int64_t id, std::uint64_t bytes);
  /// Lets others have the ballast's space, until the next append().
  void lend() { ballast_.drop(); }

  [[nodiscard]] std::int64_t last_row() const { return last_row_; }
  /// The last append() failed for want of space: of the disk, or below its limit.
  [[nodiscard]] bool lacks_space() const { return lacks_space_; }

 private:
  using Segments = std::map<std::int64_t, SpoolSegment>;  // by their first row
  Spool(const std::string& directory, Bytes max_bytes);
  Result<void> load(const std::string& directory, const std::string& stamp, Opened& opened);
  [[nodiscard]] std::vector<SpoolInput> inputs() const;
  Result<void> check_room(std::uint64_t bytes);
  Result<void> begin_segment(const SpoolInput& input, const SpoolRow& row);
  Result<Segments::iterator> remove(Segments::iterator segment);
  [[nodiscard]] bool begins_line(Segments::const_iterator segment) const;

  std::string folder_;
  Bytes max_bytes_;
  Bytes segment_bytes_;
  Ballast ballast_;
  Segments segments_;
  bool writing_ = false;       // the last segment takes more rows
  std::int64_t reading_ = 0;   // the segment that was read last
  SpoolSegment::Place place_;  // in it
  std::uint64_t bytes_ = 0;    // of all of them
  std::int64_t last_row_ = 0;
  bool lacks_space_ = false;
};

/// What waits in the segments below `directory`, whoever may open them.
std::uint64_t spooled_bytes(const std::string& directory);

}  // namespace tailgate::state
