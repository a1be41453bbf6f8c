// SPDX-License-Identifier: Apache-2.0
// The files of an earlier run: found again at the start, or later when they were away.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sources/compressed.h"
#include "sources/file_set.h"
#include "sources/fingerprint.h"

namespace tailgate::sources {

bool FileSet::resume(Tick now) {
  resumed_ = true;
  if (context_.store == nullptr) return true;
  auto records = context_.store->load(context_.name);
  if (!records) {
    resumed_ = false;
    complain_once("", records.error().what + "; nothing is read until it can be, trying again");
    return false;
  }
  for (const state::Checkpoint& record : *records) known_paths_.insert(record.path);
  remove_orphans_but_of(*records);
  std::set<Identity> named;
  ResumePlan plan;
  // A log that is copied and truncated just now may be neither in the log nor among the names any more: looked for again.
  constexpr int kTries = 3;
  for (int tries = 0; tries < kTries && (tries == 0 || !plan.lost.empty()); ++tries) {
    std::vector<Found> found = discovery_.scan();
    named.clear();
    for (const Found& file : found) named.insert(file.identity);
    for (Found& file : files_in(orphans_)) found.push_back(std::move(file));
    forget_empty(*records, found);
    plan = {};  // its descriptors
    plan = plan_resume(*records, found);
  }
  for (Resumed& resumed : plan.resumed) {
    const FilePtr file = take_resumed(std::move(resumed), now);
    if (named.contains(file->file.identity)) continue;
    file->gone = true;
    file->moved_at = now;
  }
  for (state::Checkpoint& record : plan.unreadable) {
    unreadable_.insert(record.path);
    complain_once(record.path, "cannot be opened; it goes on where it was as soon as it can");
    absent_.push_back(std::move(record));
  }
  for (const state::Checkpoint& record : plan.lost) report_lost(record);
  return true;
}

// Noted while it was empty, and nothing of it was read: who knows what its file holds now was not in a copy of it before.
// As a new file it takes its place among those that are new with it.
void FileSet::forget_empty(std::vector<state::Checkpoint>& records,
                           const std::vector<Found>& found) {
  std::erase_if(records, [&](const state::Checkpoint& record) {
    if (record.fingerprint.offset > 0 || record.orphaned) return false;
    bool there = false;
    for (const Found& file : found) {
      if (file.identity != Identity{record.device, record.inode}) continue;
      known_paths_.insert(file.path);
      there = true;
    }
    if (there) forgotten_.push_back(record.gen);
    return there;
  });
}

FileSet::FilePtr FileSet::take_resumed(Resumed resumed, Tick now) {
  const state::Checkpoint& record = resumed.record;
  auto stream = std::make_shared<Stream>(record.gen, context_.name, record.path,
                                         positions_for(record, context_.sinks));
  for (const auto& [sink, position] : record.positions) {
    const bool known =
        std::find(context_.sinks.begin(), context_.sinks.end(), sink) != context_.sinks.end();
    if (!known && position.offset < record.size) {
      context_.log.warn(
          "{}: sink {} is no longer configured; what it had not settled ({} bytes) is not sent to "
          "it",
          record.path, sink, record.size - position.offset);
    }
  }
  FilePtr file =
      std::make_shared<FileStream>(std::move(resumed.handle), resumed.file, std::move(stream), now);
  file->remember(record);
  if (directory_of(resumed.file.path) == orphans_) {
    file->orphan = file->last_line_ends = true;
    if (const auto before = last_at_.find(record.path); before != last_at_.end())
      file->read_after(before->second.lock());
  }
  if (record.orphaned) context_.log.info("{}: found again as {}", record.path, resumed.file.path);
  context_.log.debug("{}: goes on at {} of {} bytes", resumed.file.path, file->scanned(),
                     resumed.file.size);
  add(file);
  // Whatever has its old path now comes after it.
  if (record.path != file->file.path) last_at_[record.path] = file;
  return file;
}

void FileSet::report_lost(state::Checkpoint record) {
  // A rotation that compressed it may have taken more than was seen of it.
  if (record.fingerprint.offset > 0 && !record.orphaned) {
    for (const std::string& folder : folders_of(record.path)) {
      for (const Found& found : files_in(folder)) {
        if (!looks_rotated(name_of(record.path), name_of(found.path))) continue;
        const auto size = inflated_size_of_match(found.path, record.fingerprint);
        if (size) record.size = std::max(record.size, *size);
      }
    }
  }
  std::uint64_t settled = record.size;
  for (const auto& [sink, position] : record.positions)
    settled = std::min(settled, position.offset);
  if (settled >= record.size) {
    forgotten_.push_back(record.gen);
    return;
  }
  const bool known = record.orphaned;
  record.orphaned = true;
  absent_.push_back(record);
  if (known) return;
  context_.counters->lost_bytes.add(record.size - settled);
  context_.log.warn(
      "{}: the file of an earlier run is gone, and no other file holds its content: {} bytes were "
      "not sent and are "
      "lost; if it comes back, it goes on at {}",
      record.path, record.size - settled, settled);
  last_records_.push_back(std::move(record));
}

// A file of an earlier run that was not there, or could not be read, at the start: its mount or its permission came late.
bool FileSet::come_back(Handle& handle, const Found& found, Tick now) {
  const auto is_it = [&](const state::Checkpoint& record) {
    const bool same = Identity{record.device, record.inode} == found.identity;
    // Another inode must show more than one line that many files may begin with.
    if (!same && (record.fingerprint.offset < kHeadBytes ||
                  directory_of(record.path) != directory_of(found.path)))
      return false;
    return matches(handle.fd(), record.fingerprint);
  };
  const auto first = std::find_if(absent_.begin(), absent_.end(), is_it);
  if (first == absent_.end() || std::any_of(first + 1, absent_.end(), is_it)) return false;
  Resumed resumed{std::move(*first), found, std::move(handle)};
  absent_.erase(first);
  take_resumed(std::move(resumed), now);
  return true;
}

// Of many files that wait for a descriptor it is said once.
void FileSet::cannot_open(const std::string& path, int error) {
  unreadable_.insert(path);
  if (error != EMFILE && error != ENFILE)
    return complain_once(
        path, fmt::format("cannot be read: {}; it is tried again", std::strerror(error)));
  if (!std::exchange(crowded_, true))
    context_.log.warn(
        "{}: cannot be read: {}; it and others wait until some of the {} that are open are gone or "
        "the limit of descriptors is raised",
        path, std::strerror(error), files_.size());
}

}  // namespace tailgate::sources
