// SPDX-License-Identifier: Apache-2.0
#include "state/spool_segment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/checksum.h"
#include "state/spool_head.h"

namespace tailgate::state {
namespace {

/// What a row's head begins with; and the note that no row follows.
constexpr std::string_view kRow = "\x89TGROW\x1a\n";
constexpr std::string_view kEnd = "\x89TGEND\x1a\n";
/// And the note that what stands before it is all that was read.
constexpr std::string_view kAll = "\x89TGALL\x1a\n";
/// Looked through at a time for heads of rows.
constexpr std::size_t kWindowBytes = std::size_t{64} << 10;

std::uint64_t seed_of(const Uuid& gen) {
  return checksum({reinterpret_cast<const char*>(gen.bytes.data()), gen.bytes.size()});
}

std::int64_t millis_of(WallTime time) {
  return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
}

Error error_at(const std::string& path, const char* doing, bool* lacks_space = nullptr) {
  const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  if (lacks_space != nullptr) *lacks_space = full;
  return Error{
      fmt::format("{}: {}: {}", path, doing, full ? "the disk is full" : std::strerror(errno))};
}

/// All of the parts, one behind the other; it may take several calls.
bool write_at(int fd, std::array<std::string_view, 2> parts, std::uint64_t at) {
  while (!parts[0].empty() || !parts[1].empty()) {
    std::array<iovec, 2> pieces{};
    for (std::size_t i = 0; i < parts.size(); ++i)
      pieces[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
    const ssize_t wrote = ::pwritev(fd, pieces.data(), 2, static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    auto left = static_cast<std::size_t>(wrote);
    at += left;
    for (std::string_view& part : parts) {
      const std::size_t gone = std::min(left, part.size());
      part.remove_prefix(gone);
      left -= gone;
    }
  }
  return true;
}

}  // namespace

struct SpoolSegment::RowHead {
  char mark[8];
  std::int64_t id;
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t lines;
  std::int64_t read_at;  // milliseconds since the epoch
  std::uint64_t bytes_sum;
  std::uint64_t head_sum;  // over what stands before it

  [[nodiscard]] std::string_view what() const { return {mark, sizeof mark}; }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(this), sizeof *this};
  }
  [[nodiscard]] std::uint64_t sum(std::uint64_t seed) const {
    return checksum(view().substr(0, sizeof *this - sizeof head_sum), seed);
  }
};

/// A row as its head tells, or damage up to where the next row begins.
struct SpoolSegment::Frame {
  std::optional<RowHead> head;  // nothing: damage
  std::uint64_t next = 0;       // where it ends in the file
};

SpoolSegment::SpoolSegment(std::string path, Handle file, Head head)
    : path_(std::move(path)),
      file_(std::move(file)),
      head_(std::move(head)),
      seed_(seed_of(head_.gen)),
      size_(kHeadBytes),
      end_(begin()),
      line_open_(head_.line_open) {
  static_assert(sizeof(RowHead) == kRowHeadBytes);
}

Error SpoolSegment::error(const char* doing) const {
  return error_at(path_, doing);
}

Result<SpoolSegment> SpoolSegment::create(const std::string& folder, const Head& head,
                                          bool& lacks_space) {
  const std::string path = fmt::format("{}/{:016}.rows", folder, head.first_row);
  Handle file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::string slot = head_slot(head);
  if (file.valid() && write_at(file.fd(), {slot, slot}, 0) && sync_directory(folder))
    return SpoolSegment(path, std::move(file), head);
  const Error error = error_at(path, "cannot write", &lacks_space);
  if (file.valid()) ::unlink(path.c_str());
  return tl::unexpected<Error>(error);
}

Result<std::optional<SpoolSegment>> SpoolSegment::open(const std::string& path) {
  Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (!file.valid() || ::fstat(file.fd(), &about) != 0)
    return tl::unexpected<Error>(error_at(path, "cannot read"));
  std::string slots(kHeadBytes, '\0');
  const ssize_t got = ::pread(file.fd(), slots.data(), slots.size(), 0);
  if (got < 0) return std::nullopt;
  slots.resize(static_cast<std::size_t>(got));
  for (std::size_t at = 0; at < slots.size(); at += kHeadSlotBytes) {
    const std::string_view slot = std::string_view(slots).substr(at, kHeadSlotBytes);
    if (!sound_slot(slot)) continue;
    if (!slot.starts_with(kHeadMagic)) {
      return fail(fmt::format(
          "{}: was written by a newer version (format {}, this one knows {}); run that version, or "
          "move the file away (what waits in it is then not sent)",
          path, slot[kHeadMagic.size() - 1], kHeadMagic.back()));
    }
    SpoolSegment segment(path, std::move(file), read_slot(slot));
    segment.size_ = std::max(kHeadBytes, static_cast<std::uint64_t>(about.st_size));
    if (!segment.scan()) return std::nullopt;
    segment.close();
    return std::optional<SpoolSegment>(std::move(segment));
  }
  return std::nullopt;
}

// The last row may be torn, by a crash or by the end of the disk: its bytes are looked at too.
Result<void> SpoolSegment::scan() {
  Place last = end_;
  while (end_.at < size_ && !ended_) {
    auto found = frame(end_);
    if (!found) return tl::unexpected<Error>(found.error());
    if (!found->head) {
      const bool holds_something = found->next - end_.at > kRowHeadBytes;
      const Place before = std::exchange(end_, {found->next, end_.row + 1, end_.offset});
      if (holds_something) last = before;
      ended_ = end_.at == size_;
    } else if (found->head->what() == kEnd) {
      ended_ = true;
    } else if (found->head->what() == kAll) {
      complete_ = true;
      end_.at = found->next;
    } else {
      last = std::exchange(
          end_, {found->next, found->head->id, found->head->offset + found->head->length});
      lines_ += found->head->lines;
    }
  }
  auto row = read(last, last.row);
  if (!row) return tl::unexpected<Error>(row.error());
  if (!*row) return {};
  ended_ = ended_ || (*row)->damaged;
  end_.offset = std::max(end_.offset, (*row)->offset + (*row)->length);
  line_open_ = !(*row)->damaged && !(*row)->bytes.ends_with('\n');
  return {};
}

// Bytes from `at` on, as many as there are up to a window. Answers how many.
Result<std::uint64_t> SpoolSegment::peek(std::uint64_t at, std::string& bytes) {
  if (!file_.valid()) file_ = Handle(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_.valid()) return tl::unexpected<Error>(error("cannot read"));
  bytes.resize(
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), size_ - std::min(size_, at))));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(file_.fd(), bytes.data() + have, bytes.size() - have,
                                static_cast<off_t>(at + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected<Error>(error("cannot read"));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return have;
}

std::optional<SpoolSegment::RowHead> SpoolSegment::row_head(const char* bytes,
                                                            std::uint64_t at) const {
  RowHead head;
  std::memcpy(&head, bytes, sizeof head);
  const std::string_view mark(head.mark, sizeof head.mark);
  if ((mark != kRow && mark != kEnd && mark != kAll) || head.head_sum != head.sum(seed_))
    return std::nullopt;
  if (head.length > size_ || at + kRowHeadBytes + head.length > size_) return std::nullopt;
  return head;
}

Result<SpoolSegment::Frame> SpoolSegment::frame(const Place& place) {
  std::string bytes(kRowHeadBytes, '\0');
  auto got = peek(place.at, bytes);
  if (!got) return tl::unexpected<Error>(got.error());
  if (*got == kRowHeadBytes) {
    if (auto head = row_head(bytes.data(), place.at))
      return Frame{*head, place.at + kRowHeadBytes + head->length};
  }
  auto next = next_row(place.at + 1);
  if (!next) return tl::unexpected<Error>(next.error());
  return Frame{std::nullopt, *next};
}

// Where the first sound head at or after `at` is; the end of the file when there is none.
Result<std::uint64_t> SpoolSegment::next_row(std::uint64_t at) {
  std::string window;
  while (at + kRowHeadBytes <= size_) {
    window.resize(kWindowBytes);
    auto got = peek(at, window);
    if (!got) return tl::unexpected<Error>(got.error());
    if (*got < kRowHeadBytes) break;
    const std::uint64_t last = *got - kRowHeadBytes;
    for (std::size_t i = window.find(kRow[0]); i != std::string::npos && i <= last;
         i = window.find(kRow[0], i + 1)) {
      if (row_head(window.data() + i, at + i)) return at + i;
    }
    at += last + 1;
  }
  return size_;
}

Result<std::optional<SpoolRow>> SpoolSegment::read(Place& place, std::int64_t id) {
  while (place.at < size_) {
    auto found = frame(place);
    if (!found) return tl::unexpected<Error>(found.error());
    const Place from = place;
    if (!found->head) {
      // What is shorter than a row's head holds nothing of a row.
      place = {found->next, from.row + 1, from.offset};
      if (place.row > id && found->next - from.at > kRowHeadBytes) return damage(from, place);
    } else if (found->head->what() != kRow) {
      place.at = found->next;
    } else {
      const RowHead& head = *found->head;
      place = {found->next, head.id, head.offset + head.length};
      if (head.id > id) return row_of(head, from, place);
    }
  }
  return std::nullopt;
}

Result<std::optional<SpoolRow>> SpoolSegment::row_of(const RowHead& head, const Place& from,
                                                     Place& place) {
  SpoolRow row;
  row.id = head.id;
  row.input = head_.input;
  row.gen = head_.gen;
  row.offset = head.offset;
  row.length = head.length;
  row.lines = head.lines;
  row.read_at = WallTime{Millis{head.read_at}};
  row.bytes.resize(head.length);
  if (auto got = peek(from.at + kRowHeadBytes, row.bytes); !got) {
    place = from;
    return tl::unexpected<Error>(got.error());
  }
  row.damaged = checksum(row.bytes, seed_) != head.bytes_sum;
  row.after_gap = from.at == kHeadBytes;
  return row;
}

// How much of the input it was is told by where the next row begins.
Result<std::optional<SpoolRow>> SpoolSegment::damage(const Place& from, Place& place) {
  SpoolRow row;
  row.id = place.row;
  row.input = head_.input;
  row.gen = head_.gen;
  row.offset = from.offset;
  row.damaged = true;
  row.after_gap = from.at == kHeadBytes;
  row.bytes.resize(place.at - from.at);
  row.length = row.bytes.size() - kRowHeadBytes;
  auto got = peek(from.at, row.bytes);
  auto next = got && place.at < size_ ? frame(place) : Result<Frame>{};
  if (!got || !next) {
    place = from;
    return tl::unexpected<Error>(got ? next.error() : got.error());
  }
  if (next->head) row.length = next->head->offset - std::min(next->head->offset, row.offset);
  place.offset = row.offset + row.length;
  return row;
}

Result<void> SpoolSegment::append(const SpoolRow& row, bool& lacks_space) {
  RowHead head{};
  std::memcpy(head.mark, kRow.data(), kRow.size());
  head.id = row.id;
  head.offset = row.offset;
  head.length = row.bytes.size();
  head.lines = row.lines;
  head.read_at = millis_of(row.read_at);
  head.bytes_sum = checksum(row.bytes, seed_);
  head.head_sum = head.sum(seed_);
  if (!write_at(file_.fd(), {head.view(), row.bytes}, size_) || ::fdatasync(file_.fd()) != 0) {
    const Error failed = error_at(path_, "cannot write", &lacks_space);
    (void)::ftruncate(file_.fd(), static_cast<off_t>(size_));
    return tl::unexpected<Error>(failed);
  }
  size_ += kRowHeadBytes + row.bytes.size();
  end_ = {size_, row.id, row.offset + row.bytes.size()};
  lines_ += row.lines;
  line_open_ = !row.bytes.ends_with('\n');
  return {};
}

void SpoolSegment::note(Note what) {
  RowHead head{};
  std::memcpy(head.mark, what == Note::ended ? kEnd.data() : kAll.data(), sizeof head.mark);
  head.id = end_.row;
  head.offset = end_.offset;
  head.head_sum = head.sum(seed_);
  ended_ = what == Note::ended;
  complete_ = true;
  if (write_at(file_.fd(), {head.view(), {}}, size_)) size_ += kRowHeadBytes;
}

Result<void> SpoolSegment::take_back_note() {
  const Handle file(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  const std::uint64_t size = size_ - kRowHeadBytes;
  if (!complete_ || !file.valid() || ::ftruncate(file.fd(), static_cast<off_t>(size)) != 0 ||
      ::fdatasync(file.fd()) != 0)
    return tl::unexpected<Error>(error("cannot write"));
  size_ = size;
  complete_ = false;
  return {};
}

Result<void> SpoolSegment::remove() {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
    return tl::unexpected<Error>(error("cannot delete"));
  return {};
}

}  // namespace tailgate::state
