// SPDX-License-Identifier: Apache-2.0
// In which order the files of one log are read that were found together: it was rotated more than once since the last
// look, or while nobody looked.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "sources/file_set.h"

namespace tailgate::sources {
namespace {

// The log of which `path` looks like a rotation (see looks_rotated), one of `paths` if it is there; or itself.
std::string log_of(const std::string& path, const std::set<std::string>& paths) {
  const std::size_t name = path.size() - name_of(path).size();
  const std::size_t dot = path.rfind('.');
  const std::string extension =
      dot == std::string::npos || dot <= name ? std::string() : path.substr(dot);
  for (std::size_t at = path.find_first_of(".-_", name + 1); at != std::string::npos;
       at = path.find_first_of(".-_", at + 1)) {
    for (const std::string& end : {std::string(), extension}) {
      std::string log = path.substr(0, at).append(end);
      if (log.size() < path.size() && paths.contains(log)) return log;
    }
  }
  // The log itself may not be there now: its rotations are those with a number or a date behind its name.
  constexpr std::size_t kDate = 8;
  const std::size_t mark = path.find_last_not_of("0123456789");
  const std::size_t digits = mark == std::string::npos ? 0 : path.size() - mark - 1;
  const bool rotated =
      digits > 0 && mark > name && (path[mark] == '.' || (path[mark] == '-' && digits == kDate));
  return rotated ? path.substr(0, mark) : path;
}

}  // namespace

// `first_new`: from there on files_ were found by this scan, oldest first.
void FileSet::order_rotated(std::size_t first_new) {
  // Those of an earlier run are in the order in which it found them, which late lines do not change.
  std::map<FileStream*, std::size_t> earlier;
  for (std::size_t i = 0; first_scan_ && i < first_new; ++i) earlier[files_[i].get()] = i;
  if (first_scan_) first_new = 0;
  if (first_new == files_.size()) return;
  std::set<std::string> paths = known_paths_;
  for (const FilePtr& file : files_) paths.insert(file->file.path);
  const auto known = files_.begin() + static_cast<std::ptrdiff_t>(first_new);
  std::map<std::string, std::vector<FilePtr>> logs;
  for (auto file = known; file != files_.end(); ++file) {
    // A deleted file lies elsewhere, but belongs to the log that it was.
    const std::string& path = (*file)->orphan ? (*file)->stream().path() : (*file)->file.path;
    if (!(*file)->parked) logs[log_of(path, paths)].push_back(*file);
  }
  for (auto& [log, files] : logs) {
    const auto at_path = [&path = log](const FilePtr& file) { return file->file.path == path; };
    if (std::all_of(files.begin(), files.end(), at_path)) continue;
    // While we run, what appears beside a log that stays is no earlier part of it.
    const auto stays = [&](const FilePtr& file) { return at_path(file) && !file->gone; };
    if (std::any_of(files_.begin(), known, stays)) continue;
    const auto rank = [&](const FilePtr& file) {
      const auto one = earlier.find(file.get());
      const std::size_t place = one == earlier.end() ? earlier.size() : one->second;
      return std::tuple(at_path(file), place, file->file.modified);
    };
    std::stable_sort(files.begin(), files.end(),
                     [&](const FilePtr& a, const FilePtr& b) { return rank(a) < rank(b); });
    FilePtr before;
    if (!first_scan_)
      before = at_path(files.back()) ? files.back()->predecessor.lock() : last_at_[log].lock();
    for (const FilePtr& file : files) {
      file->read_after(before);
      if (before && !before->moved_at) before->moved_at = file->opened;
      before = file;
    }
    last_at_[log] = before;
  }
}

// Nothing was read of the log yet, and `file` looks like its rotation: it may hold what was in the log before anybody
// looked, so it is read first.
void FileSet::read_before_log(const FilePtr& file) {
  if ((file->parked && !file->unproven) || first_scan_) return;
  for (const FilePtr& log : files_) {
    if (log->parked || log->gone || log->scanned() > 0) continue;
    if (directory_of(log->file.path) != directory_of(file->file.path) ||
        !looks_rotated(name_of(log->file.path), name_of(file->file.path)))
      continue;
    if (const FilePtr before = log->predecessor.lock()) file->read_after(before);
    log->read_after(file);
    // It may be another log, with an end that never comes.
    if (log->predecessor.lock() == file) log->predecessor_until = file->size();
  }
}

}  // namespace tailgate::sources
