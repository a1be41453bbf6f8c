// SPDX-License-Identifier: Apache-2.0
// What became of the open files since the last look at them: by inotify, and without it.
#include <sys/stat.h>

#include <algorithm>

#include "sources/file_set.h"

namespace tailgate::sources {

// Also while there is no credit to read: the next truncation must find this one dealt with.
bool FileSet::notice_truncations(Tick now) {
  bool any = false;
  const std::vector<FilePtr> files = files_;  // a truncation may add its copy
  for (const FilePtr& file : files) {
    file->look(now);
    if (!file->was_truncated() || file->parked) continue;
    truncated(file, now);
    any = true;
  }
  return any;
}

void FileSet::rewind_forgotten() {
  for (const FilePtr& file : files_) {
    if (const std::uint64_t forgotten = file->stream().forgotten(); forgotten > 0) {
      context_.log.error(
          "{}: bug: {} events were forgotten without being settled; reading again from {}",
          file->file.path, forgotten, file->stream().settled_offset());
      file->rewind();
    }
  }
}

// Whether a file is no longer where it was found, though no event told so.
bool FileSet::any_moved() {
  return std::any_of(files_.begin(), files_.end(), [](const FilePtr& file) {
    struct stat named {};
    return !file->gone && (stat(file->file.path.c_str(), &named) != 0 ||
                           Identity::of(named) != file->file.identity);
  });
}

bool FileSet::look_at_files(Tick now) {
  rewind_forgotten();
  notice_truncations(now);
  const bool moved = any_moved();
  drop_backlog();
  if (moved) {
    (void)rescan(now);
  } else {
    unpark(now);
  }
  return !moved;
}

bool FileSet::rescan_and_look(Tick now) {
  if (!rescan(now)) return look_at_files(now);
  rewind_forgotten();
  drop_backlog();
  return true;
}

bool FileSet::take_changes() {
  const Changes changes = notifier_.take();
  bool first_bytes = false;  // of what may be a copy
  for (const Changes::File& change : changes.files) {
    for (const FilePtr& file : files_) {
      if (file->watch != change.watch) continue;
      if (change.written) file->mark_written();
      first_bytes = first_bytes || (change.written && file->unproven);
      if (change.written || change.closed) file->writer_closed = change.closed;
    }
  }
  if (changes.overflow) {
    for (const FilePtr& file : files_) file->mark_written();
  }
  return changes.directories || changes.overflow || first_bytes;
}

}  // namespace tailgate::sources
