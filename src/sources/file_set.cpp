// SPDX-License-Identifier: Apache-2.0
#include "sources/file_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sources/fingerprint.h"

namespace tailgate::sources {
namespace {

/// A successor without a byte waits this long for late lines to its predecessor.
constexpr Millis kSuccessorWait{5000};
/// And what nobody has read of a log so long for a file beside it that may become its copy.
constexpr Millis kProofWait{2000};
constexpr Millis kReadRetry{1000};
/// How far back the beginning of the last line is searched for with start_at: end.
constexpr std::size_t kLookBack = std::size_t{64} << 10;

/// Whether a file that no listing of its directory shows is there all the same: the directory may not be read now, or
/// there are no descriptors to read it with. Nothing is known to be gone then.
bool still_there(const Found& file) {
  struct stat named {};
  if (stat(file.path.c_str(), &named) == 0) return Identity::of(named) == file.identity;
  return errno != ENOENT && errno != ENOTDIR;
}

}  // namespace

bool looks_rotated(std::string_view original, std::string_view name) {
  if (name.size() <= original.size()) return false;
  const auto separates = [](char c) { return c == '.' || c == '-' || c == '_'; };
  if (name.starts_with(original)) return separates(name[original.size()]);
  const std::size_t dot = original.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  return name.starts_with(original.substr(0, dot)) && separates(name[dot]) &&
         name.ends_with(original.substr(dot));
}

FileSet::FileSet(const FileSettings& settings, const SourceContext& context)
    : settings_(settings),
      context_(context),
      discovery_(settings.paths, settings.exclude),
      orphans_(context.data_dir.empty() ? "" : context.data_dir + "/orphans/" + context.name) {}

std::shared_ptr<Stream> FileSet::new_stream(const std::string& path, std::uint64_t start) const {
  return std::make_shared<Stream>(
      Uuid::random(), context_.name, path,
      std::vector<SinkPosition>(context_.sinks.size(), SinkPosition{start, {}}));
}

void FileSet::add(const FilePtr& file) {
  file->watch = notifier_.watch_file(file->fd());
  last_at_[file->file.path] = file;
  by_identity_.emplace(file->file.identity, file);
  files_.push_back(file);
}

FileSet::FilePtr FileSet::by_identity(const Identity& identity) const {
  const auto same = by_identity_.find(identity);
  return same == by_identity_.end() ? nullptr : same->second;
}

// A file that is renamed while names are listed is in no list, or twice. With anything new, two lists must agree.
std::vector<Found> FileSet::scan() {
  constexpr int kTries = 5;
  std::vector<Found> found = discovery_.scan();
  const auto is_new = [this](const Found& file) { return !by_identity(file.identity); };
  for (int i = 0; i < kTries && std::any_of(found.begin(), found.end(), is_new); ++i) {
    std::vector<Found> again = discovery_.scan();
    const bool same = std::equal(found.begin(), found.end(), again.begin(), again.end(),
                                 [](const Found& a, const Found& b) {
                                   return a.path == b.path && a.identity == b.identity;
                                 });
    found = std::move(again);
    if (same) break;
  }
  return found;
}

bool FileSet::rescan(Tick now) {
  // A copy may be told from its original only now, and then others may be told from it.
  const bool any_parked =
      std::any_of(files_.begin(), files_.end(), [](const FilePtr& file) { return file->parked; });
  const std::size_t open_before = files_.size();
  std::vector<Found> found = scan();
  // Again for whatever appeared before its directory was watched.
  if (notifier_.watch_directories(discovery_.directories(found))) found = scan();
  if (first_scan_ && found.empty())
    context_.log.info("no file matches {} yet; looks again and again",
                      fmt::join(settings_.paths, ", "));
  bool changed = update_paths(found, now);
  // Before what is new: it is compared with what the known ones are by now.
  if (!first_scan_) changed = notice_truncations(now) || changed;
  const std::size_t known = files_.size();
  for (const Found& file : found) {
    if (!by_identity(file.identity)) adopt(file, now);
  }
  order_rotated(known);
  std::erase_if(unreadable_, [&found](const std::string& path) {
    return std::none_of(found.begin(), found.end(),
                        [&path](const Found& file) { return file.path == path; });
  });
  crowded_ = crowded_ && !unreadable_.empty();
  unpark(now);
  std::erase_if(last_at_, [](const auto& entry) { return entry.second.expired(); });
  const bool as_it_was = !first_scan_ && !changed && !any_parked && files_.size() == open_before;
  first_scan_ = false;
  return as_it_was;
}

// True: some file is gone or elsewhere, is there again, or is there and was not found.
bool FileSet::update_paths(const std::vector<Found>& found, Tick now) {
  bool changed = false;
  std::map<Identity, std::vector<const Found*>> names;
  for (const Found& file : found) names[file.identity].push_back(&file);
  for (const FilePtr& file : files_) {
    const auto named = names.find(file->file.identity);
    if (named == names.end()) {
      changed = changed || !file->gone;
      if (!file->gone && still_there(file->file)) continue;
      if (!file->gone) file->dirty = true;
      file->gone = true;
      if (!file->moved_at) file->moved_at = now;
      file->look(now);
      continue;
    }
    changed = changed || file->gone;
    file->gone = false;
    const auto& all = named->second;
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const Found* f) { return f->path == file->file.path; });
    if (same != all.end()) {
      file->moved_at.reset();
      continue;
    }
    changed = true;
    context_.log.debug("{}: is now {}", file->file.path, all.front()->path);
    file->file.path = all.front()->path;
    file->moved_at = now;
    file->dirty = true;
    last_at_[file->file.path] = file;
  }
  return changed;
}

void FileSet::adopt(const Found& found, Tick now) {
  // Should it have another name by now, then what has its name comes after it: at the next scan.
  Found as_it_is = found;
  Handle handle = open_to_follow(as_it_is);
  struct stat status {};
  if (!handle.valid() || fstat(handle.fd(), &status) != 0) {
    if (errno != ENOENT) cannot_open(found.path, errno);
    return;
  }
  Found file = found;
  file.size = static_cast<std::uint64_t>(status.st_size);
  if (!S_ISREG(status.st_mode)) return;
  if (is_gzip(bytes_at(handle.fd(), 0, 2))) {
    complain_once(
        found.path,
        "is compressed and is not read; add it to exclude, or send it with tailgate pipe");
    return;
  }
  complained_.erase(found.path);
  unreadable_.erase(found.path);
  if (come_back(handle, file, now)) return;
  const auto before = last_at_.find(file.path);
  const FilePtr predecessor = before == last_at_.end() ? nullptr : before->second.lock();
  bool read_before = false;
  const FilePtr original = original_of(handle.fd(), file.path, read_before, now);
  const std::uint64_t start = read_before ? file.size : start_of(handle.fd(), file);
  const FilePtr added = open_new(std::move(handle), file, start, now);
  added->read_after(predecessor);
  if (predecessor && !predecessor->moved_at) predecessor->moved_at = now;
  added->unproven = file.size == 0 && may_be_copy(file.path);
  added->parked = (original != nullptr && !read_before) || added->unproven;
  if (original) context_.log.debug("{}: is a copy of {}", file.path, original->file.path);
  read_before_log(added);
}

FileSet::FilePtr FileSet::open_new(Handle handle, const Found& found, std::uint64_t start,
                                   Tick now) {
  auto file =
      std::make_shared<FileStream>(std::move(handle), found, new_stream(found.path, start), now);
  context_.log.info("{}: reading from {}", found.path,
                    start == 0 ? "the beginning" : fmt::format("byte {}", start));
  add(file);
  return file;
}

std::uint64_t FileSet::start_of(int fd, const Found& found) const {
  if (!settings_.start_at_end || !first_scan_ || known_paths_.contains(found.path)) return 0;
  const std::uint64_t back = std::min<std::uint64_t>(found.size, kLookBack);
  const std::string end = bytes_at(fd, found.size - back, static_cast<std::size_t>(back));
  const std::size_t newline = end.rfind('\n');
  // The last line may still be written: it begins after the last newline.
  return newline == std::string::npos ? found.size : found.size - end.size() + newline + 1;
}

// A copy is created empty and filled a moment later: only then can it be told from a new file.
bool FileSet::may_be_copy(const std::string& path) const {
  return std::any_of(files_.begin(), files_.end(), [&](const FilePtr& file) {
    return directory_of(file->file.path) == directory_of(path) &&
           looks_rotated(name_of(file->file.path), name_of(path));
  });
}

void FileSet::prove(const FilePtr& file, Tick now) {
  file->look(now);
  if (file->size() == 0) return;
  file->unproven = false;
  if (is_gzip(bytes_at(file->fd(), 0, 2))) {
    file->parked = false;
    close(file);
    return;
  }
  bool read_before = false;
  const FilePtr original = original_of(file->fd(), file->file.path, read_before, now);
  if (original) context_.log.debug("{}: is a copy of {}", file->file.path, original->file.path);
  file->parked = original != nullptr && !read_before;
  if (read_before) file->begin_anew(new_stream(file->file.path, file->size()), now);
  read_before_log(file);
}

FileSet::FilePtr FileSet::original_of(int fd, const std::string& path, bool& read_before,
                                      Tick now) const {
  const std::string folder = directory_of(path);
  for (const FilePtr& file : files_) {
    if (file->parked || directory_of(file->file.path) != folder) continue;
    if (!looks_rotated(name_of(file->file.path), name_of(path))) continue;
    // Of what was not read only the last look knows the first bytes.
    if (file->scanned() == 0) file->look(now);
    read_before = file->formerly_in(fd);
    if (read_before || file->copied_in(fd, false)) return file;
  }
  return nullptr;
}

void FileSet::unpark(Tick now) {
  const std::vector<FilePtr> files = files_;
  for (const FilePtr& file : files) {
    if (file->unproven) prove(file, now);
    if (!file->parked || file->unproven) continue;
    bool read_before = false;
    const FilePtr original = original_of(file->fd(), file->file.path, read_before, now);
    if (original && !read_before) continue;
    file->look(now);
    file->parked = false;
    // Its original is gone or has gone another way. Without a common past it is a file like any
    // other.
    if (read_before) file->begin_anew(new_stream(file->file.path, file->size()), now);
    read_before_log(file);
  }
}

bool FileSet::readable(FileStream& file, Tick now) {
  if (!file.pending || file.parked || file.stream().halted() || !file.window_open()) return false;
  if (file.failed_at && now - *file.failed_at < kReadRetry) return false;
  if (const FilePtr before = file.predecessor.lock()) {
    const bool enough = file.predecessor_until && before->scanned() >= *file.predecessor_until;
    if (before->pending && !before->parked && !before->stream().halted() && !enough) return false;
    if (before->unproven && now - before->opened < kProofWait && !context_.once) return false;
    const bool waited = now - file.opened >= kSuccessorWait || context_.once;
    if (!waited && file.size() == 0) return false;
    file.predecessor.reset();
  }
  return true;
}

void FileSet::truncated(const FilePtr& file, Tick now) {
  const FilePtr copy = take_copy(*file, now);
  if (copy) {
    file->continue_in(*copy);
    context_.log.info("{}: was truncated; what was not read yet is read from {}", file->file.path,
                      copy->file.path);
  } else {
    const std::uint64_t lost = file->unread();
    context_.counters->lost_bytes.add(lost);
    if (lost > 0) {
      context_.log.warn("{}: was truncated before {} bytes were read; they are lost",
                        file->file.path, lost);
    } else {
      context_.log.info("{}: was truncated; reading from the beginning", file->file.path);
    }
    forget(*file);
  }
  file->begin_anew(new_stream(file->file.path, 0), now);
  if (copy) {
    copy->read_after(file->predecessor.lock());  // which may be this very copy
    file->read_after(copy);
  }
  // What follows the copy, or was to, follows what is written after it.
  for (const FilePtr& other : files_) {
    if (copy && other != file && other->predecessor.lock() == copy) other->read_after(file);
  }
  for (auto& [path, last] : last_at_) {
    if (copy && path != copy->file.path && last.lock() == copy) last = file;
  }
  file->look(now);
}

FileSet::FilePtr FileSet::take_copy(FileStream& file, Tick now) {
  for (const FilePtr& other : files_) {
    // Parked as a copy, or not known as one and not yet read.
    const bool untouched = other->parked || (other->scanned() == 0 && other.get() != &file);
    if (!untouched || !file.copied_in(other->fd(), true)) continue;
    forget(*other);
    other->parked = other->unproven = false;
    return other;
  }
  for (const std::string& folder : folders_of(file.file.path)) {
    for (Found& found : files_in(folder)) {
      if (by_identity(found.identity)) continue;
      Handle handle = open_found(found);
      if (!handle.valid() || !file.copied_in(handle.fd(), true)) continue;
      FilePtr copy = open_new(std::move(handle), found, 0, now);
      copy->gone = true;  // until the next scan finds a pattern that names it
      copy->moved_at = now;
      return copy;
    }
  }
  return nullptr;
}

void FileSet::complain_once(const std::string& path, const std::string& why) {
  if (!complained_.insert(path).second) return;
  context_.log.warn("{}{}{}", path, path.empty() ? "" : ": ", why);
}

}  // namespace tailgate::sources
