// SPDX-License-Identifier: Apache-2.0
// Disk space: what every sink has settled is freed, and what waits is kept within max_backlog.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "sources/file_set.h"
#include "sources/file_source.h"

namespace tailgate::sources {
namespace {

/// Nobody has written for so long: the writer has gone on to the next file.
constexpr Millis kRotatedPause{10'000};

// A rename to a name that no pattern finds leaves the file's path as it was, and only the kernel knows the new name.
std::string path_now(const FileStream& file) {
  if (!file.gone) return file.file.path;
  std::array<char, PATH_MAX> path{};
  const std::string link = fmt::format("/proc/self/fd/{}", file.fd());
  const ssize_t size = readlink(link.c_str(), path.data(), path.size());
  if (size <= 0) return file.file.path;
  // Our way to its folder may lead over links; a file that went elsewhere is not ours to remove.
  const std::string_view name = name_of({path.data(), static_cast<std::size_t>(size)});
  return fmt::format("{}/{}", directory_of(file.file.path), name);
}

}  // namespace

// Only what the checkpoint on disk holds as settled: called after it was saved.
void FileSet::reclaim(Tick now) {
  if (settings_.reclaim == Reclaim::none) return;
  for (const FilePtr& file : files_) {
    if (file->parked || !file->committed) continue;
    if (settings_.reclaim == Reclaim::delete_rotated) {
      remove_rotated(*file, now);
    } else if (const int error = file->punch_settled(); error != 0) {
      complain_once(file->file.path,
                    std::string("its settled part cannot be freed (reclaim: punch_hole): ") +
                        std::strerror(error));
    }
  }
}

void FileSet::remove_rotated(FileStream& file, Tick now) {
  if (file.deleted || file.pending || now - file.last_data < kRotatedPause) return;
  const std::string path = path_now(file);
  const bool rotated = std::any_of(files_.begin(), files_.end(), [&](const FilePtr& other) {
    return other.get() != &file && directory_of(other->file.path) == directory_of(path) &&
           looks_rotated(name_of(other->file.path), name_of(path));
  });
  if (!rotated) return;
  if (!file.look(now) || file.unread() > 0 || !file.settled_on_disk()) return;
  if (!nobody_writes(file.fd()).value_or(file.writer_closed)) return;
  struct stat named {};
  if (stat(path.c_str(), &named) != 0 || Identity::of(named) != file.file.identity) return;
  if (unlink(path.c_str()) == 0) {
    context_.log.info("{}: rotated away and settled by every sink; removed", path);
  } else {
    complain_once(
        path, std::string("cannot be removed (reclaim: delete_rotated): ") + std::strerror(errno));
  }
}

void FileSet::drop_backlog() {
  if (settings_.max_backlog == 0) return;
  std::uint64_t waiting = 0;
  for (const FilePtr& file : files_) waiting += file->parked ? 0 : file->unsettled();
  const bool full = waiting > settings_.max_backlog;
  if (full != backlog_full_) {
    context_.log.warn("{} wait in the files, {} max_backlog{}", human_bytes(waiting),
                      full ? "more than" : "again within",
                      full && settings_.drop_backlog ? "; the oldest lines are dropped" : "");
  }
  backlog_full_ = full;
  if (!full || !settings_.drop_backlog) return;
  std::uint64_t excess = waiting - settings_.max_backlog;
  for (const FilePtr& file : files_) {
    if (file->parked || excess == 0) continue;
    const std::uint64_t dropped = file->skip_unread(excess);
    context_.counters->lost_bytes.add(dropped);
    excess -= std::min(excess, dropped);
  }
}

}  // namespace tailgate::sources
