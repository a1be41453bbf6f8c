// SPDX-License-Identifier: Apache-2.0
#include "sources/file_source.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace tailgate::sources {
namespace {

/// Open files are looked at this often, for mounts that never notify; more often where inotify does
/// not work at all.
constexpr Millis kLook{1000};
constexpr Millis kLookWithoutNotify{200};
constexpr Millis kRescan{5000};
/// Names may change in bursts: a rescan at most this often.
constexpr Millis kRescanPause{20};
constexpr Millis kStoreRetry{1000};
/// While a window is closed or a successor waits.
constexpr Millis kBlocked{100};
/// How much of a line too long is passed over in one call.
constexpr std::size_t kSkipBytes = std::size_t{16} << 20;
constexpr Millis kSkipPause{1};
/// At the very end: for files that were deleted during the shutdown, or when it was cut short.
constexpr Millis kLastMoment{1000};

bool due(const std::optional<Tick>& last, Millis every, Tick now) {
  return !last || now - *last >= every;
}

}  // namespace

std::optional<bool> nobody_writes(int fd) {
  // A writer that opens the file meanwhile makes the kernel signal us: with one that is ignored
  // unless asked for.
  if (fcntl(fd, F_SETSIG, SIGURG) != 0) return std::nullopt;
  if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return true;
  }
  if (errno == EAGAIN) return false;
  return std::nullopt;
}

FileSource::FileSource(FileSettings settings, SourceContext context)
    : settings_(std::move(settings)), context_(std::move(context)), files_(settings_, context_) {}

Wakeup FileSource::watch(Tick now) {
  rescan_wanted_ = files_.take_changes() || rescan_wanted_;
  if (!files_.resumed()) {
    if (!due(failed_, kStoreRetry, now)) return {*failed_ + kStoreRetry, false};
    failed_ = now;
    if (!files_.resume(now)) return {now + kStoreRetry, false};
    failed_.reset();
  }
  const Millis look = wait_fd() >= 0 ? kLook : kLookWithoutNotify;
  const bool rescan =
      due(scanned_, kRescan, now) || (rescan_wanted_ && due(scanned_, kRescanPause, now));
  if (rescan || due(looked_, look, now)) {
    const bool all = rescan ? files_.rescan_and_look(now) : files_.look_at_files(now);
    looked_ = now;
    if (rescan) {
      scanned_ = now;
      rescan_wanted_ = false;
    }
    // Noted when they are seen, not when they are read: renamed out of the pattern before a kill, nobody would find them.
    // But not before it was looked which of them were truncated: those change places with their copies.
    if (all) (void)commit_new(now);
  }
  files_.let_go(now);

  Wakeup wakeup;
  wakeup.at = std::min(*looked_ + look, *scanned_ + (rescan_wanted_ ? kRescanPause : kRescan));
  const bool held = failed_ && !due(failed_, kStoreRetry, now);
  for (const auto& file : files_.files()) {
    if (!(held && !file->committed) && files_.readable(*file, now)) {
      wakeup.ready = true;
      if (file->in_long_line()) wakeup.at = std::min(*wakeup.at, now + kSkipPause);
    } else if (file->pending && !file->parked && !file->stream().halted()) {
      wakeup.at = std::min(*wakeup.at, now + kBlocked);
    }
  }
  return wakeup;
}

bool FileSource::commit_new(Tick now) {
  if (failed_ && !due(failed_, kStoreRetry, now)) return false;
  const Result<void> done = files_.commit_new(now);
  if (done) {
    failed_.reset();
    unnoted_ = false;
    return true;
  }
  failed_ = now;
  if (!unnoted_) {
    context_.log.error("{}; new files wait until their beginning can be noted, trying again",
                       done.error().what);
  }
  unnoted_ = true;
  return false;
}

std::optional<Lines> FileSource::read(std::size_t max_bytes) {
  const Tick now = context_.clock->now();
  if (!files_.resumed()) return std::nullopt;
  std::size_t budget = kSkipBytes;
  for (std::size_t left = files_.files().size(); left > 0; --left) {
    const auto file = files_.files()[turn_++ % files_.files().size()];
    if (!files_.readable(*file, now)) continue;
    if (file->scanned() == 0) file->look(now);
    // Where its lines moved to should be noted, too, and by what it is known, but nothing is lost when it cannot be.
    const bool noted = file->committed && !file->moved && !file->noted_empty;
    if (!noted && !commit_new(now) && !file->committed) continue;
    const std::uint64_t before = file->scanned();
    if (auto lines = read_one(file, max_bytes, now)) return lines;
    const bool anew = file->scanned() < before;  // truncated
    const auto skipped = static_cast<std::size_t>(anew ? 0 : file->scanned() - before);
    if (!anew && skipped == 0) continue;
    // Inside a line too long, or at a new beginning: there is more, and who waits for lines must
    // not wait for it. A truncation may have added a file, too.
    budget -= std::min(budget, skipped);
    if (budget == 0) break;
    --turn_;
    left = files_.files().size() + 1;
  }
  return std::nullopt;
}

std::optional<Lines> FileSource::read_one(const std::shared_ptr<FileStream>& file,
                                          std::size_t max_bytes, Tick now) {
  if (context_.once) file->last_line_ends = true;
  const FileStream::Read got =
      file->read(max_bytes, {settings_.max_line_bytes, context_.format}, space_, now);
  if (got != FileStream::Read::failed) file->failed_at.reset();
  switch (got) {
    case FileStream::Read::lines:
      return Lines{file->take_chunk(), space_.cut.lines, {}, space_.cut.parts};
    case FileStream::Read::truncated:
      files_.truncated(file, now);
      break;
    case FileStream::Read::failed:
      if (!file->failed_at) {
        context_.log.error("{}: cannot be read at {}: {}; {}", file->file.path, file->scanned(),
                           std::strerror(errno),
                           context_.once ? "the rest of it is left" : "trying again");
      }
      file->failed_at = now;
      if (context_.once) file->pending = false;
      break;
    case FileStream::Read::nothing:
      break;
  }
  return std::nullopt;
}

void FileSource::checkpoint() {
  const Tick now = context_.clock->now();
  const Result<void> done = files_.save(now);
  if (!done) {
    if (!behind_) {
      context_.log.error("{}; positions stay behind, so a restart would repeat lines; trying again",
                         done.error().what);
    }
    behind_ = true;
  } else {
    behind_ = false;
  }
  count(now);
}

void FileSource::ends() {
  files_.keep_deleted(context_.clock->now() + kLastMoment);
  files_.count_deleted();
}

void FileSource::count(Tick now) {
  std::uint64_t lag_bytes = 0;
  Millis lag{0};
  for (const auto& file : files_.files()) {
    if (file->parked) continue;
    lag_bytes += file->unsettled();
    lag = std::max(lag, file->lag(now));
  }
  context_.counters->lag_bytes.set(lag_bytes + files_.unsettled_of_retired());
  context_.counters->lag_millis.set(static_cast<std::uint64_t>(lag.count()));
  const auto halted = std::count_if(files_.files().begin(), files_.files().end(),
                                    [](const auto& file) { return file->stream().halted(); });
  context_.counters->unread_inputs.set(files_.unreadable() + static_cast<std::size_t>(halted));
  context_.counters->files_open.set(files_.files().size());
}

bool FileSource::finished() const {
  if (!context_.once || !scanned_) return false;
  return std::all_of(files_.files().begin(), files_.files().end(), [](const auto& file) {
    return file->parked || !file->pending || file->stream().halted();
  });
}

bool FileSource::writers_gone() const {
  if (rescan_wanted_) return false;
  return std::all_of(files_.files().begin(), files_.files().end(), [this](const auto& file) {
    if (file->parked) return true;
    const bool gone =
        nobody_writes(file->fd()).value_or(file->writer_closed || file->moved_at.has_value());
    // What its writer left may not have been noticed yet.
    if (gone) file->look(context_.clock->now());
    return gone && !file->pending && file->unread() == 0;
  });
}

SourceStatus FileSource::status() const {
  SourceStatus status;
  status.settled = files_.totals();
  status.watching = files_.resumed() && scanned_.has_value();
  for (const auto& file : files_.files()) {
    SourceStatus::File entry;
    entry.path = file->file.path;
    entry.size = file->size();
    entry.read = file->scanned();
    entry.settled = file->stream().settled_offset();
    if (file->parked) {
      entry.note = "copy of a file that is read";
    } else if (file->stream().halted()) {
      entry.note = "stopped: none of its first lines could be parsed and filtered";
    } else if (file->deleted) {
      entry.note = "deleted";
    } else if (file->gone) {
      entry.note = "rotated";
    }
    if (!file->parked) status.lag_bytes += file->unsettled();
    status.total_bytes += entry.size;
    status.files.push_back(std::move(entry));
  }
  return status;
}

}  // namespace tailgate::sources
