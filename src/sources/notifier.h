// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/handle.h"

namespace tailgate::sources {

/// What changed since the last look.
struct Changes {
  struct File {
    int watch = -1;
    bool written = false;
    bool closed = false;  // by a writer, after the last write
  };
  std::vector<File> files;
  bool directories = false;  // names came, went or became readable
  bool overflow = false;     // events were lost: look at everything
};

/// inotify(7) on directories (names) and on open files (writes; by descriptor, so that a rename
/// does not matter). Where it does not work (too many watches, mounts that never notify) polling
/// does.
class Notifier {
 public:
  Notifier();
  [[nodiscard]] int fd() const { return inotify_.fd(); }

  /// Watches these directories and no others. True when one of them is new.
  bool watch_directories(const std::set<std::string>& directories);
  /// The watch's number, or -1.
  int watch_file(int fd);
  void unwatch(int watch);
  /// Never blocks.
  Changes take();

 private:
  Handle inotify_;
  std::map<std::string, int> directories_;
};

}  // namespace tailgate::sources
