// SPDX-License-Identifier: Apache-2.0
#include "sources/resume.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "sources/fingerprint.h"

namespace tailgate::sources {
namespace {

std::uint64_t least_offset(const state::Checkpoint& record) {
  if (record.positions.empty()) return record.fingerprint.offset;
  const auto least = std::min_element(
      record.positions.begin(), record.positions.end(),
      [](const auto& a, const auto& b) { return a.second.offset < b.second.offset; });
  return least->second.offset;
}

constexpr rlim_t kSpared = 32;
/// Of a small limit.
constexpr rlim_t kSparedShare = 8;

class Planner {
 public:
  Planner(std::vector<state::Checkpoint> records, const std::vector<Found>& found)
      : records_(std::move(records)) {
    for (const Found& file : found) candidates_.emplace(file.identity, file);
    for (const state::Checkpoint& record : records_) {
      for (const std::string& folder : folders_of(record.path)) {
        if (!folders_.insert(folder).second) continue;
        for (Found& file : files_in(folder)) candidates_.emplace(file.identity, std::move(file));
      }
    }
  }

  ResumePlan plan() {
    std::vector<state::Checkpoint*> rest;
    for (state::Checkpoint& record : records_) {
      const auto same = candidates_.find({record.device, record.inode});
      if (same == candidates_.end()) {
        rest.push_back(&record);
      } else if (!claim(record, same->second)) {
        if (unreadable_) {
          plan_.unreadable.push_back(std::move(record));
        } else {
          rest.push_back(&record);
        }
      }
    }
    for (state::Checkpoint* record : rest) {
      const std::optional<Found> copy = only_copy(*record);
      if (copy && claim(*record, *copy)) continue;
      auto& rest_of = copy && unreadable_ ? plan_.unreadable : plan_.lost;
      rest_of.push_back(std::move(*record));
    }
    for (auto& [place, resumed] : claimed_) plan_.resumed.push_back(std::move(resumed));
    return std::move(plan_);
  }

 private:
  // False with unreadable_: it may be the one, which cannot be seen now.
  bool claim(state::Checkpoint& record, Found file) {
    unreadable_ = false;
    if (owned_.contains(file.identity) || file.size < least_offset(record)) return false;
    Handle handle = open_to_follow(file);
    unreadable_ = !handle.valid() && errno != ENOENT && errno != ENOTDIR;
    if (!handle.valid() || !matches(handle.fd(), record.fingerprint)) return false;
    owned_.insert(file.identity);
    const std::ptrdiff_t place = &record - records_.data();
    claimed_.emplace(place, Resumed{std::move(record), std::move(file), std::move(handle)});
    return true;
  }

  std::optional<Found> only_copy(const state::Checkpoint& record) const {
    // Without a byte read, every file would match.
    if (record.fingerprint.offset == 0) return std::nullopt;
    const std::vector<std::string> folders = folders_of(record.path);
    std::optional<Found> copy;
    for (const auto& [identity, file] : candidates_) {
      const bool near =
          std::find(folders.begin(), folders.end(), directory_of(file.path)) != folders.end();
      if (owned_.contains(identity) || !near) continue;
      if (file.size < least_offset(record)) continue;
      Found candidate = file;
      const Handle handle = open_found(candidate);
      if (!handle.valid() || !matches(handle.fd(), record.fingerprint)) continue;
      if (copy) return std::nullopt;
      copy = std::move(candidate);
    }
    return copy;
  }

  std::vector<state::Checkpoint> records_;
  std::map<Identity, Found> candidates_;  // names that a pattern gave come first
  std::set<std::string> folders_;
  std::set<Identity> owned_;
  bool unreadable_ = false;
  std::map<std::ptrdiff_t, Resumed> claimed_;  // by the place of its record
  ResumePlan plan_;
};

}  // namespace

ResumePlan plan_resume(std::vector<state::Checkpoint> records, const std::vector<Found>& found) {
  return Planner(std::move(records), found).plan();
}

std::vector<SinkPosition> positions_for(const state::Checkpoint& record,
                                        const std::vector<std::string>& sinks) {
  std::vector<SinkPosition> positions;
  for (const std::string& sink : sinks) {
    const auto known = std::find_if(record.positions.begin(), record.positions.end(),
                                    [&](const auto& entry) { return entry.first == sink; });
    positions.push_back(known != record.positions.end() ? known->second
                                                        : SinkPosition{least_offset(record), {}});
  }
  return positions;
}

Handle open_found(Found& file) {
  const auto open_same = [&](const std::string& path) {
    Handle handle = open_to_read(path);
    struct stat status {};
    if (!handle.valid()) return handle;
    errno = ENOENT;
    if (fstat(handle.fd(), &status) != 0 || Identity::of(status) != file.identity)
      handle = Handle();
    return handle;
  };
  Handle handle = open_same(file.path);
  // A rotation may go on while we look for it.
  for (int tries = 0; !handle.valid() && errno == ENOENT && tries < 3; ++tries) {
    for (const std::string& folder : folders_of(file.path)) {
      for (const Found& other : files_in(folder)) {
        if (other.identity != file.identity) continue;
        handle = open_same(other.path);
        if (!handle.valid()) break;
        file.path = other.path;
        return handle;
      }
    }
    errno = ENOENT;
  }
  return handle;
}

Handle open_to_follow(Found& file) {
  Handle handle = open_found(file);
  rlimit limit{};
  if (!handle.valid() || getrlimit(RLIMIT_NOFILE, &limit) != 0) return handle;
  // A new descriptor has the lowest number that is free.
  const rlim_t spared = std::min(kSpared, limit.rlim_cur / kSparedShare);
  if (static_cast<rlim_t>(handle.fd()) < limit.rlim_cur - spared) return handle;
  handle = Handle();
  errno = EMFILE;
  return handle;
}

Handle open_to_read(const std::string& path) {
  // Not blocking: a FIFO that took the file's name must not stop the intake.
  return Handle(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

}  // namespace tailgate::sources
