// SPDX-License-Identifier: Apache-2.0
// What is left of deleted files when the process ends: only our descriptor holds it, so it is copied.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sources/file_set.h"
#include "sources/fingerprint.h"

namespace tailgate::sources {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

// Copies [begin, end). 0, or errno; ETIME: not before `until`.
int copy_range(int from, int to, std::uint64_t begin, std::uint64_t end, const Clock& clock,
               Tick until) {
  while (begin < end) {
    if (clock.now() >= until) return ETIME;
    const std::string bytes = bytes_at(
        from, begin, static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - begin)));
    if (bytes.empty()) return EIO;
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t wrote =
          pwrite(to, bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return wrote < 0 ? errno : EIO;
      done += static_cast<std::size_t>(wrote);
    }
    begin += bytes.size();
  }
  return 0;
}

}  // namespace

bool FileSet::needs_keeping(FileStream& file) const {
  file.look(context_.clock->now());
  if (file.parked || file.orphan || file.unsettled() == 0) return false;
  if (file.deleted || !file.gone) return file.deleted;
  // Renamed to where the next run would not look.
  Found found = file.file;
  return !open_found(found).valid();
}

// The copy has the file's size and offsets, with a hole where everything is settled: the next run knows it by the same
// fingerprint, which needs the first bytes and those before the place where it goes on.
int FileSet::keep(FileStream& file, Tick until) const {
  const std::string path = orphans_ + "/" + file.stream().gen().text();
  std::error_code failed;
  std::filesystem::create_directories(orphans_, failed);
  if (failed) return failed.value();
  const Handle copy(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!copy.valid()) return errno;
  const std::uint64_t size = file.size();
  const std::uint64_t settled = std::min(size, file.stream().settled_offset());
  std::uint64_t begin = settled - std::min<std::uint64_t>(settled, kTailBytes);
  int error = 0;
  if (file.kept_at.empty()) {
    error = copy_range(file.fd(), copy.fd(), 0, std::min<std::uint64_t>(begin, kHeadBytes),
                       *context_.clock, until);
  } else {
    begin = file.kept_size;  // it grew since
  }
  if (error == 0) error = copy_range(file.fd(), copy.fd(), begin, size, *context_.clock, until);
  struct stat about {};
  if (error == 0 && (fsync(copy.fd()) != 0 || fstat(copy.fd(), &about) != 0)) error = errno;
  if (error != 0) {
    const bool former =
        !file.kept_at.empty() && ftruncate(copy.fd(), static_cast<off_t>(file.kept_size)) == 0;
    if (!former) {
      unlink(path.c_str());
      file.kept_at.clear();
    }
    return error;
  }
  (void)sync_directory(orphans_);
  file.kept_at = path;
  file.kept_as = Identity::of(about);
  file.kept_size = size;
  file.dirty = true;
  return 0;
}

void FileSet::keep_deleted(Tick until) {
  // What was in a file that was truncated before it was deleted may be in a copy.
  notice_truncations(context_.clock->now());
  if (orphans_.empty() || context_.store == nullptr) return;
  bool kept = false;
  for (const FilePtr& file : files_) {
    if (!needs_keeping(*file)) {
      if (!file->kept_at.empty()) unlink(file->kept_at.c_str());
      continue;
    }
    if (!file->kept_at.empty() && file->kept_size == file->size()) continue;
    const int error = keep(*file, until);
    if (error != 0) {
      complain_once(file->file.path,
                    fmt::format("was deleted, and what waits of it cannot be copied to {}: {}",
                                orphans_, std::strerror(error)));
      continue;
    }
    kept = true;
    context_.log.info("{}: was deleted; the {} bytes that wait of it are kept in {}",
                      file->file.path, file->unsettled(), file->kept_at);
  }
  if (!kept) return;
  if (const Result<void> done = save(context_.clock->now()); !done)
    context_.log.error("{}", done.error().what);
}

void FileSet::count_deleted() {
  for (const FilePtr& file : files_) {
    if (!needs_keeping(*file)) continue;
    const std::uint64_t kept =
        file->kept_at.empty() ? 0 : file->stream().unsettled_before(file->kept_size);
    const std::uint64_t lost = file->unsettled() - kept;
    if (lost == 0) continue;
    context_.counters->lost_bytes.add(lost);
    context_.log.error("{}: was deleted, and {} bytes of it were not delivered; they are lost",
                       file->file.path, lost);
  }
  count_retired();
}

// Their lines were in memory alone.
void FileSet::count_retired() {
  for (const Retired& retired : retired_) {
    const std::uint64_t lost = retired.stream->unsettled_before(retired.record.size);
    context_.counters->lost_bytes.add(lost);
    context_.log.error(
        "{}: was truncated or given up, and {} bytes that were read of it were not delivered; they "
        "are lost",
        retired.record.path, lost);
    forgotten_.push_back(retired.stream->gen());
  }
  retired_.clear();
  // Also what a truncation changed that was noticed at the end.
  if (const Result<void> done = save(context_.clock->now()); !done)
    context_.log.error("{}", done.error().what);
}

// A copy that was not noted, or one that was read to its end.
void FileSet::remove_orphans_but_of(const std::vector<state::Checkpoint>& records) const {
  for (const Found& file : files_in(orphans_)) {
    const bool wanted = std::any_of(
        records.begin(), records.end(),
        [&](const state::Checkpoint& record) { return record.gen.text() == name_of(file.path); });
    if (!wanted) unlink(file.path.c_str());
  }
}

}  // namespace tailgate::sources
