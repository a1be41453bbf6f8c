// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/uuid.h"

namespace tailgate {

class Chunk;

/// What became of a line for one sink. Every line that is settled is exactly one of these for each sink: the ledger.
enum class Settled : std::uint8_t {
  filtered,        // before any sink: dropped by a filter, empty, not JSON
  dead_at_source,  // before any sink: a dead letter of the parser or of a filter
  passed_by,       // not for this sink: its `when`
  dropped,         // by this sink's own filters
  delivered,
  dead_lettered,  // refused by the sink, or by its own filters or codec
};
inline constexpr std::size_t kSettledKinds = 6;
using Tally = std::array<std::uint64_t, kSettledKinds>;

/// Where one sink stands in one stream. Everything before `offset` is settled, and so is every [begin, end) of `above`
/// (in order, not touching): so one event in retry does not make a crash repeat all that followed it.
struct SinkPosition {
  std::uint64_t offset = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> above = {};
  /// Of the settled lines, and of no others: saved with the offset, so a line that is read again never counts twice.
  Tally tally = {};

  [[nodiscard]] bool settled(std::uint64_t line_offset) const;
  bool operator==(const SinkPosition&) const = default;
};

/// The lines of one read and which sinks have settled them; guarded by the stream's mutex but for the offsets, which stay.
struct ChunkState {
  struct PerSink {
    std::vector<std::uint64_t> bits;
    std::uint32_t settled = 0;
  };
  ChunkState(std::vector<std::uint64_t> line_offsets, std::size_t sink_count);

  [[nodiscard]] std::uint32_t lines() const {
    return static_cast<std::uint32_t>(offsets.size() - 1);
  }
  /// False: it was settled before.
  bool mark(std::size_t sink, std::uint32_t line);

  void carry(std::size_t sink, std::span<const std::uint32_t> settled_lines);

  const std::vector<std::uint64_t> offsets;
  std::vector<PerSink> sinks;
  std::vector<std::pair<std::uint32_t, std::uint32_t>>
      carried;  // {line, another that settles with it}, in order
};

/// One generation of one file, or one run of a pipe: an endless sequence of lines at byte offsets, and how far each
/// sink has settled them. Settled means: delivered, filtered on purpose, or in the dead letters on disk. Shared by the
/// intake (adds chunks) and the lanes (settle lines); thread-safe, one mutex.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  /// `positions`: one per sink, in the pipeline's order; where each starts (after a restart: where it was).
  Stream(Uuid gen, std::string source, std::string path, std::vector<SinkPosition> positions);

  [[nodiscard]] const Uuid& gen() const { return gen_; }
  [[nodiscard]] const std::string& source() const { return source_; }
  /// The path the file had when it was first seen: what dead letters name.
  [[nodiscard]] const std::string& path() const { return path_; }

  /// The lines [offsets[i], offsets[i+1]); the last offset is the end of the last line. Offsets never go back. Lines that
  /// a position holds as settled already (a re-read after a restart) start settled for that sink.
  std::shared_ptr<Chunk> add_chunk(std::vector<std::uint64_t> offsets);

  /// Lines up to `end` will not be read: settled for every sink, without a place in the tallies.
  void skip(std::uint64_t end);

  /// Lines that were never in a chunk: they enter the tallies alone.
  void count(Settled as, std::uint64_t lines);

  /// One entry per sink. Cheap enough for every checkpoint.
  [[nodiscard]] std::vector<SinkPosition> positions() const;
  /// Everything before it is settled for every sink.
  [[nodiscard]] std::uint64_t settled_offset() const;
  /// How many of the bytes before `end` some sink has not settled.
  [[nodiscard]] std::uint64_t unsettled_before(std::uint64_t end) const;
  /// The end of the last line added.
  [[nodiscard]] std::uint64_t end_offset() const;
  /// Whether a line got past the parser and the filters, told of each by the intake thread alone. True once, when none of
  /// the first kTrial did: a wrong format, schema or file must not fill the dead letters. Then it is halted: its source
  /// reads no more of it in this run.
  bool tried(bool parsed) {
    if (trial_ >= kTrial) return false;
    trial_ = parsed ? kTrial + 1 : trial_ + 1;
    return trial_ == kTrial;
  }
  [[nodiscard]] bool halted() const { return trial_ == kTrial; }
  static constexpr std::uint32_t kTrial = 1000;
  /// Grows with every settled line: a checkpoint is due when it changed.
  [[nodiscard]] std::uint64_t version() const;
  /// Lines whose work was destroyed unsettled: a bug; the checkpoint stays before them, and the source reads them again.
  [[nodiscard]] std::uint64_t forgotten() const;

 private:
  friend class Chunk;
  void advance_locked();
  [[nodiscard]] std::vector<std::pair<std::uint64_t, std::uint64_t>> settled_above_locked() const;

  const Uuid gen_;
  const std::string source_;
  const std::string path_;
  mutable std::mutex mutex_;
  std::vector<SinkPosition> positions_;  // contiguous part; `above` only as read from a checkpoint
  std::deque<std::shared_ptr<ChunkState>> chunks_;  // not yet settled by every sink
  std::uint64_t end_ = 0;
  std::uint64_t version_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint32_t trial_ =
      0;  // lines that did not get past the filters, and none before them; past kTrial: one did
};

/// The lines of one read. An event carries {chunk, line}; nothing is allocated per line. A chunk keeps its stream; the
/// stream keeps only the chunk's state, until every sink has settled it.
class Chunk {
 public:
  [[nodiscard]] const Stream& stream() const { return *stream_; }
  [[nodiscard]] std::uint32_t lines() const { return state_->lines(); }
  [[nodiscard]] std::uint64_t offset(std::uint32_t line) const { return state_->offsets[line]; }
  [[nodiscard]] std::uint64_t end(std::uint32_t line) const { return state_->offsets[line + 1]; }

  [[nodiscard]] bool settled(std::uint32_t line, std::size_t sink) const;
  /// Whether any line was settled before it was read this time: false for nearly every chunk.
  [[nodiscard]] bool resumed() const { return resumed_; }
  /// Settles lines for one sink; those that are settled already are left so. Takes the stream's lock once.
  void settle(std::size_t sink, std::span<const std::uint32_t> lines, Settled as);
  void settle(std::size_t sink, std::uint32_t line, Settled as) { settle(sink, {&line, 1}, as); }
  void settle_for_all(std::uint32_t line, Settled as);
  /// `parts` are one event with `line`, and are settled with it: neither before nor after, and without a place in the
  /// tallies. Both in order, and so are the lines of all calls; before any of them is settled.
  void carry(std::uint32_t line, std::span<const std::uint32_t> parts);
  /// Where the event of this line begins: in the first of its parts.
  [[nodiscard]] std::uint64_t begin(std::uint32_t line) const;
  /// See Stream::tried().
  bool tried(bool parsed) const { return stream_->tried(parsed); }
  /// Work on this line was destroyed unsettled.
  void forget(std::uint32_t line);

 private:
  friend class Stream;
  Chunk(std::shared_ptr<Stream> stream, std::shared_ptr<ChunkState> state, bool resumed);

  const std::shared_ptr<Stream> stream_;
  const std::shared_ptr<ChunkState> state_;
  const bool resumed_;
};

}  // namespace tailgate
