// SPDX-License-Identifier: Apache-2.0
// How long files are kept, and what is saved of them.
#include <unistd.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "sources/file_set.h"
#include "sources/file_source.h"

namespace tailgate::sources {
namespace {

/// How long after its last byte a file that is gone is kept: writers may still hold it.
constexpr Millis kKeepRenamed{60'000};
constexpr Millis kKeepDeleted{10'000};

}  // namespace

bool FileSet::finished_with(FileStream& file, Tick now) {
  if (!file.gone || file.pending || file.parked) return file.gone && file.parked && file.deleted;
  if (file.orphan) return file.unread() == 0 && file.settled_on_disk();
  const Millis keep = file.deleted ? kKeepDeleted : kKeepRenamed;
  if (now - file.last_data < keep || !file.moved_at || now - *file.moved_at < keep) return false;
  if (!file.look(now)) return false;
  if (file.unread() > 0 && !file.last_line_ends) {
    // Its writer will not end the last line any more.
    file.last_line_ends = true;
    file.pending = true;
    return false;
  }
  // A writer may still hold it, whatever the time that passed, or it cannot be read now.
  return !file.failed_at && file.settled() && nobody_writes(file.fd()).value_or(true);
}

void FileSet::let_go(Tick now) {
  const std::vector<FilePtr> files = files_;
  for (const FilePtr& file : files) {
    if (finished_with(*file, now)) close(file);
  }
  drop_beyond_limits();
}

// What became of its lines is saved once more before its record goes; while some are under way, it stays.
void FileSet::forget(FileStream& file) {
  if (!file.committed) return;
  state::Checkpoint record = file.checkpoint(context_.sinks);
  record.size = file.stream().end_offset();
  retired_.push_back({file.shared_stream(), std::move(record)});
  save_retired();
}

void FileSet::save_retired() {
  std::erase_if(retired_, [&](Retired& retired) {
    const Stream& stream = *retired.stream;
    const std::uint64_t version = stream.version();
    const bool settled = stream.unsettled_before(retired.record.size) == 0;
    if (!settled && retired.saved_version == version) return false;
    const std::vector<SinkPosition> positions = stream.positions();
    for (std::size_t i = 0; i < retired.record.positions.size(); ++i)
      retired.record.positions[i].second = positions[i];
    retired.saved_version = version;
    last_records_.push_back(retired.record);
    if (settled) forgotten_.push_back(stream.gen());
    return settled;
  });
}

std::uint64_t FileSet::unsettled_of_retired() const {
  std::uint64_t bytes = 0;
  for (const Retired& retired : retired_)
    bytes += retired.stream->unsettled_before(retired.record.size);
  return bytes;
}

std::size_t FileSet::unreadable() const {
  const auto failed = [](const FilePtr& file) { return file->failed_at.has_value(); };
  return unreadable_.size() +
         static_cast<std::size_t>(std::count_if(files_.begin(), files_.end(), failed));
}

void FileSet::close(const FilePtr& file) {
  notifier_.unwatch(file->watch);
  forget(*file);
  if (file->orphan) unlink(file->file.path.c_str());
  if (by_identity(file->file.identity) == file) by_identity_.erase(file->file.identity);
  std::erase(files_, file);
}

void FileSet::drop_beyond_limits() {
  for (;;) {
    FilePtr first;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    // What waits for nothing but a late line goes first.
    const auto rank = [](const FileStream& file) {
      return std::tuple(file.unread() > 0 || !file.settled(), file.moved_at);
    };
    for (const FilePtr& file : files_) {
      if (!file->gone || file->parked || file->orphan) continue;
      ++count;
      bytes += file->unread();
      if (!first || rank(*file) < rank(*first)) first = file;
    }
    if (!first || (count <= settings_.rotated_max_files && bytes <= settings_.rotated_max_bytes))
      return;
    if (first->unread() > 0) {
      context_.counters->lost_bytes.add(first->unread());
      context_.log.warn(
          "{}: was rotated away, and more than rotated.max_files or max_bytes wait; {} bytes of it "
          "are lost",
          first->file.path, first->unread());
    }
    close(first);
  }
}

Result<void> FileSet::commit_new(Tick now) {
  const bool any = std::any_of(files_.begin(), files_.end(), [](const FilePtr& file) {
    return (!file->committed || file->moved || file->noted_empty) && !file->parked;
  });
  return any ? save(now) : Result<void>{};
}

Result<void> FileSet::save(Tick now) {
  save_retired();
  std::vector<state::Checkpoint> records = last_records_;
  std::vector<std::pair<FilePtr, std::uint64_t>> saved;
  for (const FilePtr& file : files_) {
    const std::uint64_t version = file->stream().version();
    if (file->parked || (file->committed && !file->dirty && version == file->saved_version))
      continue;
    records.push_back(file->checkpoint(context_.sinks));
    saved.emplace_back(file, version);
  }
  if (context_.store != nullptr) {
    if (records.empty() && forgotten_.empty()) {
      reclaim(now);
      return {};
    }
    if (auto done = context_.store->save(records, forgotten_); !done) return done;
    if (auto totals = context_.store->totals(context_.name)) totals_ = std::move(*totals);
  }
  for (const auto& [file, version] : saved) {
    file->checkpoint_saved();
    file->saved_version = version;
    file->committed = true;
    file->moved = file->noted_empty = false;
    file->dirty = false;
  }
  forgotten_.clear();
  last_records_.clear();
  reclaim(now);
  return {};
}

}  // namespace tailgate::sources
