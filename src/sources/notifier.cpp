// SPDX-License-Identifier: Apache-2.0
#include "sources/notifier.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tailgate::sources {
namespace {

constexpr std::uint32_t kDirectoryEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
                                           IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kFileEvents = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;

Changes::File& file_of(Changes& changes, int watch) {
  const auto same = std::find_if(changes.files.begin(), changes.files.end(),
                                 [&](const Changes::File& file) { return file.watch == watch; });
  if (same != changes.files.end()) return *same;
  return changes.files.emplace_back(Changes::File{watch});
}

}  // namespace

Notifier::Notifier() : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

bool Notifier::watch_directories(const std::set<std::string>& directories) {
  if (!inotify_.valid()) return false;
  bool added = false;
  std::map<std::string, int> now;
  for (const std::string& path : directories) {
    // Adding again is cheap, and finds a directory that was replaced by another of the same name.
    const int watch = inotify_add_watch(inotify_.fd(), path.c_str(), kDirectoryEvents);
    if (watch < 0) continue;
    const auto known = directories_.find(path);
    added = added || known == directories_.end() || known->second != watch;
    now[path] = watch;
  }
  for (const auto& [path, watch] : directories_) {
    const bool kept = std::any_of(now.begin(), now.end(), [known = watch](const auto& entry) {
      return entry.second == known;
    });
    if (!kept) inotify_rm_watch(inotify_.fd(), watch);
  }
  directories_ = std::move(now);
  return added;
}

int Notifier::watch_file(int fd) {
  if (!inotify_.valid()) return -1;
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  return inotify_add_watch(inotify_.fd(), path.c_str(), kFileEvents);
}

void Notifier::unwatch(int watch) {
  if (watch >= 0) inotify_rm_watch(inotify_.fd(), watch);
}

Changes Notifier::take() {
  Changes changes;
  if (!inotify_.valid()) return changes;
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = read(inotify_.fd(), buffer.data(), buffer.size());
    if (got <= 0) return changes;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        changes.overflow = true;
      } else if ((event.mask & IN_MODIFY) != 0) {
        file_of(changes, event.wd) = {event.wd, true, false};
      } else if ((event.mask & IN_CLOSE_WRITE) != 0) {
        file_of(changes, event.wd).closed = true;
      } else if ((event.mask & IN_IGNORED) == 0) {
        changes.directories = true;
      }
    }
  }
}

}  // namespace tailgate::sources
