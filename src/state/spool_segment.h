// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/handle.h"
#include "base/result.h"
#include "state/spool_row.h"

namespace tailgate::state {

/// One file of the spool: rows of one input in their order, appended and never changed. It begins with a head of 4 KiB,
/// which stands there twice; a row is 64 bytes that describe it and then its bytes, with a checksum over each, seeded by
/// the generation, so no line can look like a row. What is damaged costs the rows that it hit: the next sound row is
/// looked for. Numbers are in the machine's byte order. One thread.
class SpoolSegment {
 public:
  static constexpr std::uint64_t kHeadBytes = 4096;
  static constexpr std::uint64_t kRowHeadBytes = 64;

  struct Head {
    std::int64_t input = 0;
    Uuid gen;
    std::string source;    // what is longer than 900 bytes is cut
    std::string identity;  // as well
    std::int64_t first_row = 0;
    std::uint64_t offset = 0;  // of its first byte in the input
    bool line_open = false;    // that is inside a line
    bool inflated = false;     // the input is gz
  };
  /// Where a reader stands: before a row, or at the end.
  struct Place {
    std::uint64_t at = kHeadBytes;  // in the file
    std::int64_t row = 0;           // the one before
    std::uint64_t offset = 0;       // where that ended in the input
  };

  /// A new file, named by its first row. Gone again when it could not be made; `lacks_space` says whether for want of it.
  static Result<SpoolSegment> create(const std::string& folder, const Head& head,
                                     bool& lacks_space);
  /// Reads where each row of an existing one begins; nothing is appended to it. Nothing: its head is damaged, or the disk
  /// cannot read it.
  static Result<std::optional<SpoolSegment>> open(const std::string& path);

  /// The first row behind `place` whose id is above `id`; moves `place` behind it. Nothing at the end. What is damaged
  /// comes as one damaged row, with the bytes that are there.
  Result<std::optional<SpoolRow>> read(Place& place, std::int64_t id);
  [[nodiscard]] Place begin() const { return {kHeadBytes, head_.first_row - 1, head_.offset}; }

  /// Durable when it returns. After an error nothing of it is there, and nothing more may be appended.
  Result<void> append(const SpoolRow& row, bool& lacks_space);
  /// Notes that nothing follows, or that so far all that was read is here. Not synced.
  enum class Note { ended, complete };
  void note(Note what);
  /// Of the note that all is here nothing is left. Durable when it returns.
  Result<void> take_back_note();
  /// Needs no descriptor until it is read again; nothing more may be appended.
  void close() { file_ = Handle(); }
  /// Removes the file.
  Result<void> remove();

  [[nodiscard]] const Head& head() const { return head_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return size_; }
  [[nodiscard]] std::int64_t last_row() const { return end_.row; }
  /// In the input, behind its last row.
  [[nodiscard]] std::uint64_t end_offset() const { return end_.offset; }
  /// That end in it.
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  /// Its last byte is inside a line.
  [[nodiscard]] bool line_open() const { return line_open_; }
  /// Nothing can follow: so it was noted, or it ends in damage.
  [[nodiscard]] bool ended() const { return ended_; }
  /// When it was last written to, all that was read of the input was here.
  [[nodiscard]] bool complete() const { return complete_; }

 private:
  struct RowHead;
  struct Frame;
  SpoolSegment(std::string path, Handle file, Head head);
  Result<void> scan();
  Result<std::optional<SpoolRow>> row_of(const RowHead& head, const Place& from, Place& place);
  Result<std::optional<SpoolRow>> damage(const Place& from, Place& place);
  Result<Frame> frame(const Place& place);
  [[nodiscard]] std::optional<RowHead> row_head(const char* bytes, std::uint64_t at) const;
  Result<std::uint64_t> next_row(std::uint64_t at);
  Result<std::uint64_t> peek(std::uint64_t at, std::string& bytes);
  [[nodiscard]] Error error(const char* doing) const;

  std::string path_;
  Handle file_;
  Head head_;
  std::uint64_t seed_;
  std::uint64_t size_ = 0;
  Place end_;
  std::uint64_t lines_ = 0;
  bool line_open_ = false;
  bool ended_ = false;
  bool complete_ = false;
};

}  // namespace tailgate::state
