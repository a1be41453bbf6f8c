// SPDX-License-Identifier: Apache-2.0
#include "state/spool.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/handle.h"

namespace tailgate::state {
namespace {

namespace fs = std::filesystem;

/// A segment is a sixteenth of what there may be, within these bounds: space is given back by segments.
constexpr Bytes kSmallestSegment = Bytes{1} << 20;
constexpr Bytes kLargestSegment = Bytes{16} << 20;
/// So that positions can be saved, and by that space be given back, when the disk is full.
constexpr Bytes kBallast = Bytes{4} << 20;

bool holds_nothing(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::all_of(std::istreambuf_iterator<char>(in), {}, [](char c) { return c == '\0'; });
}

}  // namespace

Spool::Spool(const std::string& directory, Bytes max_bytes)
    : folder_(directory + "/spool"),
      max_bytes_(max_bytes),
      segment_bytes_(std::clamp(max_bytes / 16, kSmallestSegment, kLargestSegment)),
      ballast_(directory, kBallast) {}

Result<Spool::Opened> Spool::open(const std::string& directory, Bytes max_bytes,
                                  const Clock& clock) {
  Opened opened;
  std::unique_ptr<Spool> spool(new Spool(directory, max_bytes));
  if ((::mkdir(spool->folder_.c_str(), 0700) != 0 && errno != EEXIST) || !sync_directory(directory))
    return fail(fmt::format("{}: cannot make it: {}", spool->folder_, std::strerror(errno)));
  std::string stamp = rfc3339(clock.wall());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-'; });
  if (auto done = spool->load(directory, stamp, opened); !done)
    return tl::unexpected<Error>(done.error());
  opened.inputs = spool->inputs();
  spool->ballast_.take();
  opened.spool = std::move(spool);
  return opened;
}

Result<void> Spool::load(const std::string& directory, const std::string& stamp, Opened& opened) {
  std::error_code trouble;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(folder_, trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    if (entry->path().extension() == ".rows" && entry->is_regular_file(trouble))
      paths.push_back(entry->path());
  }
  if (trouble) return fail(fmt::format("{}: cannot read: {}", folder_, trouble.message()));
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    auto segment = SpoolSegment::open(path);
    if (!segment) return tl::unexpected<Error>(segment.error());
    if (*segment) {
      const std::uint64_t bytes = (*segment)->bytes();
      last_row_ = std::max(last_row_, (*segment)->last_row());
      const std::int64_t first = (*segment)->head().first_row;
      if (segments_.emplace(first, std::move(**segment)).second) bytes_ += bytes;
      continue;
    }
    const std::uint64_t bytes = fs::file_size(path, trouble);
    const fs::path to =
        fmt::format("{}/spool.damaged-{}-{}", directory, stamp, path.filename().string());
    if (holds_nothing(path)) {  // the machine stopped while it was made
      fs::remove(path, trouble);
      continue;
    }
    if (std::rename(path.c_str(), to.c_str()) != 0) {
      return fail(fmt::format("{}: is damaged, and cannot be moved to {}: {}", path.string(),
                              to.string(), std::strerror(errno)));
    }
    opened.set_aside.push_back({to, bytes});
  }
  return {};
}

std::vector<SpoolInput> Spool::inputs() const {
  std::vector<SpoolInput> inputs;
  for (const auto& [first, segment] : segments_) {
    const SpoolSegment::Head& head = segment.head();
    if (inputs.empty() || inputs.back().id != head.input) {
      SpoolInput input;
      input.id = head.input;
      input.gen = head.gen;
      input.source = head.source;
      input.identity = head.identity;
      input.begin = head.offset;
      inputs.push_back(std::move(input));
    }
    inputs.back().end = std::max(segment.end_offset(), inputs.back().begin);
    inputs.back().ended = segment.ended();
    inputs.back().line_open = segment.line_open();
    inputs.back().complete = segment.complete();
    inputs.back().inflated = head.inflated;
  }
  return inputs;
}

Result<std::optional<SpoolRow>> Spool::next(std::int64_t id) {
  auto segment = segments_.upper_bound(id);
  if (segment != segments_.begin()) --segment;
  for (; segment != segments_.end(); ++segment) {
    if (segment->first != reading_) {
      const auto before = segments_.find(reading_);
      if (before != segments_.end() && !(writing_ && std::next(before) == segments_.end()))
        before->second.close();
      reading_ = segment->first;
      place_ = segment->second.begin();
    } else if (place_.row > id) {
      place_ = segment->second.begin();
    }
    auto row = segment->second.read(place_, id);
    if (!row || *row) return row;
  }
  return std::nullopt;
}

Result<void> Spool::check_room(std::uint64_t bytes) {
  lacks_space_ = true;
  if (bytes_ + bytes > max_bytes_) {
    return fail(fmt::format("{}: what waits in it reaches spool.max_bytes ({})", folder_,
                            human_bytes(max_bytes_)));
  }
  ballast_.take();
  if (!ballast_.held())
    return fail(fmt::format("{}: {} that must stay free for positions are not: the disk is full",
                            folder_, human_bytes(kBallast)));
  lacks_space_ = false;
  return {};
}

Result<void> Spool::begin_segment(const SpoolInput& input, const SpoolRow& row) {
  writing_ = false;
  if (!segments_.empty() && segments_.rbegin()->first != reading_)
    segments_.rbegin()->second.close();
  SpoolSegment::Head head;
  head.input = input.id;
  head.gen = input.gen;
  head.source = input.source;
  head.identity = input.identity;
  head.first_row = row.id;
  head.offset = row.offset;
  head.line_open = input.line_open;
  head.inflated = input.inflated;
  auto segment = SpoolSegment::create(folder_, head, lacks_space_);
  if (!segment) return tl::unexpected<Error>(segment.error());
  bytes_ += segment->bytes();
  segments_.insert_or_assign(row.id, std::move(*segment));
  writing_ = true;
  return {};
}

Result<void> Spool::append(const SpoolInput& input, const SpoolRow& row, bool last_chance) {
  const std::uint64_t bytes = SpoolSegment::kRowHeadBytes + row.bytes.size();
  lacks_space_ = false;
  if (last_chance) {
    ballast_.drop();
  } else if (auto room = check_room(bytes + SpoolSegment::kHeadBytes); !room) {
    return room;
  }
  // The rows of a segment follow each other, so what is missing inside one is damage.
  const bool fits = writing_ && segments_.rbegin()->second.head().input == input.id &&
                    segments_.rbegin()->second.end_offset() == row.offset &&
                    segments_.rbegin()->second.bytes() + bytes <= segment_bytes_;
  Result<void> done;
  if (!fits) done = begin_segment(input, row);
  if (done) {
    SpoolSegment& segment = segments_.rbegin()->second;
    done = segment.append(row, lacks_space_);
    if (done) {
      bytes_ += bytes;
    } else {
      writing_ = false;
      if (segment.last_row() < segment.head().first_row) (void)remove(std::prev(segments_.end()));
    }
  }
  // Of one that failed something may be on disk: no other has its id.
  last_row_ = row.id;
  return done;
}

void Spool::note(SpoolSegment::Note what) {
  if (!writing_) return;
  const std::uint64_t before = segments_.rbegin()->second.bytes();
  segments_.rbegin()->second.note(what);
  bytes_ += segments_.rbegin()->second.bytes() - before;
  writing_ = false;
}

Result<void> Spool::take_back_note() {
  if (segments_.empty()) return {};
  auto done = segments_.rbegin()->second.take_back_note();
  if (done) bytes_ -= SpoolSegment::kRowHeadBytes;
  return done;
}

Result<Spool::Segments::iterator> Spool::remove(Segments::iterator segment) {
  if (auto done = segment->second.remove(); !done) return tl::unexpected<Error>(done.error());
  if (std::next(segment) == segments_.end()) writing_ = false;
  bytes_ -= segment->second.bytes();
  return segments_.erase(segment);
}

// The one that is written to may stay while it is small: otherwise each line that flows would make a file.
Result<void> Spool::release(std::int64_t input, std::uint64_t offset, bool whole) {
  Result<void> done;
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    const bool stays = !whole && writing_ && std::next(segment) == segments_.end() &&
                       segment->second.bytes() < kSmallestSegment;
    if (segment->second.head().input != input || stays ||
        (!whole && segment->second.end_offset() > offset)) {
      ++segment;
      continue;
    }
    auto next = remove(segment);
    if (!next) done = tl::unexpected<Error>(next.error());
    segment = next ? *next : std::next(segment);
  }
  return done;
}

bool Spool::begins_line(Segments::const_iterator segment) const {
  if (segment == segments_.end())
    return segments_.rbegin()->second.ended() || !segments_.rbegin()->second.line_open();
  const bool first_of_input =
      segment == segments_.begin() ||
      std::prev(segment)->second.head().input != segment->second.head().input;
  return first_of_input || !segment->second.head().line_open;
}

Result<Spool::Dropped> Spool::drop_oldest(std::int64_t id, std::uint64_t bytes) {
  Dropped dropped;
  auto first = segments_.upper_bound(id);
  while (dropped.bytes < bytes) {
    while (first != segments_.end() && !begins_line(first)) ++first;
    auto last = first;  // behind what goes together
    for (bool whole = false; last != segments_.end() && !whole; whole = begins_line(last)) ++last;
    if (first == segments_.end() || !begins_line(last)) break;
    while (first != last) {
      const SpoolSegment& segment = first->second;
      const auto after = std::next(first);
      // The last line of an input that is over has no newline; the end of one too long was passed over.
      const bool over = after == segments_.end() ||
                        after->second.head().input != segment.head().input ||
                        !after->second.head().line_open;
      dropped.lines += segment.lines() + (over && segment.line_open() ? 1 : 0);
      dropped.bytes += segment.end_offset() - segment.head().offset;
      auto next = remove(first);
      if (!next) return tl::unexpected<Error>(next.error());
      first = *next;
    }
  }
  return dropped;
}

std::uint64_t spooled_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code trouble;
  for (fs::directory_iterator entry(directory + "/spool", trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    std::error_code gone;
    const std::uint64_t size = entry->file_size(gone);
    if (entry->path().extension() == ".rows" && !gone) bytes += size;
  }
  return bytes;
}

}  // namespace tailgate::state
