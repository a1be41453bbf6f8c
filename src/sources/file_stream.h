// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/handle.h"
#include "base/raw_bytes.h"
#include "core/stream.h"
#include "sources/discovery.h"
#include "sources/line_buffer.h"
#include "state/store.h"

namespace tailgate::sources {

/// How far a stream may be read beyond what every sink has settled.
inline constexpr std::uint64_t kWindowBytes = std::uint64_t{64} << 20;

/// Where a read puts its bytes; one per source, so lines live until the source's next read.
struct ReadSpace {
  RawBytes bytes;
  Cut cut;
};

/// One open file and the generation that it is read as. Reads go on from where the last ended, and
/// each looks at the bytes just before that place too: in one pread it is seen whether the file is
/// still the same. Used by the intake thread alone.
class FileStream {
 public:
  enum class Read { lines, nothing, truncated, failed };

  /// Reads from the least of the stream's positions on.
  FileStream(Handle handle, Found file, std::shared_ptr<Stream> stream, Tick now);

  /// `max_bytes` of new bytes, more for a long line. `lines`: they are in `space` and `chunk` is
  /// set. `failed`: errno.
  Read read(std::size_t max_bytes, CutRules rules, ReadSpace& space, Tick now);
  std::shared_ptr<Chunk> take_chunk() { return std::move(chunk_); }

  /// Looks at size and time of change: something to read, perhaps? True when the file was not
  /// touched since the last look.
  bool look(Tick now);
  void mark_written() { pending = true; }
  /// The last look() saw that the file is shorter or holds other bytes than it did.
  [[nodiscard]] bool was_truncated() const { return truncated_; }

  /// Begins a new generation where `stream` begins, such as after a truncation. What the old one
  /// knows moves to a copy before, when there is one.
  void begin_anew(std::shared_ptr<Stream> stream, Tick now);
  void continue_in(FileStream& copy) const;
  /// `before` had this file's path before, and is read first; unless it waits for this file itself.
  void read_after(const std::shared_ptr<FileStream>& before);
  /// Reads again what is not settled, in the same generation.
  void rewind();
  /// Passes over whole lines that were not read, about `bytes` of them; says how many bytes it were.
  std::uint64_t skip_unread(std::uint64_t bytes);
  /// Frees the disk space of what the last checkpoint() held as settled, but for what the fingerprint needs: the first
  /// block and the bytes before the settled offset. 0, or errno.
  int punch_settled();
  /// Known again after a restart by this fingerprint.
  void remember(const state::Checkpoint& record);

  /// True when `other` holds what was read of this file; `whole`: all of it, else it may be an
  /// earlier part.
  [[nodiscard]] bool copied_in(int other, bool whole) const;
  /// True when `other` holds nothing but what was read of the generation before the last
  /// truncation.
  [[nodiscard]] bool formerly_in(int other) const;

  [[nodiscard]] Stream& stream() const { return *stream_; }
  /// For who outlives this file: a truncation begins another stream while lines of this one are under way.
  [[nodiscard]] const std::shared_ptr<Stream>& shared_stream() const { return stream_; }
  [[nodiscard]] int fd() const { return handle_.fd(); }
  [[nodiscard]] std::uint64_t scanned() const { return position_.scan; }
  [[nodiscard]] bool in_long_line() const { return position_.too_long; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t unread() const {
    return size_ > position_.scan ? size_ - position_.scan : 0;
  }
  [[nodiscard]] std::uint64_t unsettled() const;
  [[nodiscard]] bool settled() const { return stream_->settled_offset() >= position_.line; }
  /// Everything up to the end was settled at the last checkpoint().
  [[nodiscard]] bool settled_on_disk() const { return settled_on_disk_ >= size_; }
  [[nodiscard]] bool window_open() const;
  /// How long the oldest line that is not settled has waited.
  [[nodiscard]] Millis lag(Tick now) const;

  /// The record to save: positions, and the fingerprint of what was read, or is about to be. Not of what is settled: one sink may have
  /// settled lines behind the place where another stands, and those must never be taken for another file's.
  state::Checkpoint checkpoint(const std::vector<std::string>& sinks);
  /// The last checkpoint() is on disk.
  void checkpoint_saved() { settled_on_disk_ = settled_in_record_; }

  Found file;                     // where it was last seen
  bool pending = true;            // there may be something to read
  std::optional<Tick> failed_at;  // when it could not be read
  bool committed = false;         // its generation is in the store
  bool moved = false;             // but there it is still in another file
  bool noted_empty = false;       // but nothing was in the file then
  bool dirty = true;              // the record changed otherwise than by settling
  bool parked = false;            // holds what another stream has read or will read
  bool unproven =
      false;  // parked because it was found empty: its first bytes tell whether it is a copy
  bool last_line_ends = false;  // deliver what stands after the last newline
  bool deleted = false;
  bool writer_closed = false;
  std::optional<Tick>
      moved_at;         // another file took its path, or it is no longer named by any pattern
  bool gone = false;    // no pattern names it any more
  bool orphan = false;  // the copy of a deleted file that an earlier run left
  std::string kept_at;  // the copy in data_dir/orphans that the next run reads; empty: none
  Identity kept_as;
  std::uint64_t kept_size = 0;
  std::weak_ptr<FileStream> predecessor;           // had this path before; read first
  std::optional<std::uint64_t> predecessor_until;  // no further than that
  Tick opened{};
  Tick last_data{};
  std::uint64_t saved_version = 0;
  int watch = -1;

 private:
  /// The end of a read.
  struct Mark {
    std::uint64_t offset;
    Tick read_at;
  };
  [[nodiscard]] Read fill(std::size_t max_bytes, ReadSpace& space, std::size_t& have);
  void remember_bytes(std::string_view consumed, std::string_view known, Tick now);
  void add_mark(Tick now);
  int punch(std::uint64_t from, std::uint64_t to, std::uint64_t& punched);
  void take_fingerprint();
  [[nodiscard]] bool holds_what_was_seen(std::uint64_t size);
  void start();

  Handle handle_;
  std::shared_ptr<Stream> stream_;
  std::shared_ptr<Chunk> chunk_;
  CutPosition position_;
  std::string head_;         // the first bytes, at most kHeadBytes, of what was read
  std::string first_;        // the first bytes of the file, as long as nothing was read
  bool truncated_ = false;   // it was seen that the file holds other bytes
  std::string tail_;         // the bytes before position_.scan, at most kTailBytes
  std::string former_head_;  // of the generation before a truncation, and how far it was read
  std::uint64_t former_scan_ = 0;
  state::Fingerprint known_;  // of the furthest that was seen, in this run or an earlier one
  std::uint64_t settled_in_record_ = 0;  // by every sink, at the last checkpoint()
  std::uint64_t settled_on_disk_ = 0;    // and when that record was saved
  std::deque<Mark> marks_;               // after it
  std::uint64_t punched_ = 0;
  struct Skipped {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t punched = 0;
  };
  Skipped skipped_;  // the last lines that were dropped unread in one go
  bool ranges_full_ = false;
  std::uint64_t size_ = 0;
  std::int64_t modified_ = 0;
  std::optional<Tick> waiting_since_;
  HeldBack held_;
};

}  // namespace tailgate::sources
