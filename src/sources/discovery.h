// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tailgate::sources {

/// What a file is, whatever its name: no other file has the same while a descriptor of it is open.
struct Identity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto operator<=>(const Identity&) const = default;
  static Identity of(const struct stat& found) {
    return {static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino)};
  }
};

/// A regular file that was found; a symbolic link stands for its target.
struct Found {
  std::string path;
  Identity identity;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  bool link = false;          // the path is a symbolic link
};

/// Which files a source's patterns name (glob(7), braces too), and in which directories to look for
/// changes.
class Discovery {
 public:
  /// A pattern in `exclude` without a slash is compared with a file's name, else with its path.
  Discovery(std::vector<std::string> patterns, std::vector<std::string> exclude);

  /// Oldest first. One file under several names is found once, under each.
  [[nodiscard]] std::vector<Found> scan() const;
  /// Those that exist of the directories that may hold such files, now or later: also where a
  /// link's target lies, and, for a directory that is not there yet, the nearest one above it.
  [[nodiscard]] std::set<std::string> directories(const std::vector<Found>& found) const;

 private:
  [[nodiscard]] bool excluded(const std::string& path) const;
  std::vector<std::string> patterns_;
  std::vector<std::string> exclude_;
};

/// Every regular file in a directory.
std::vector<Found> files_in(const std::string& directory);
std::string directory_of(const std::string& path);
/// Where a file may be found again after a rename: the path's directory and, where the path is a link, those of what it
/// leads to, even when nothing is there.
std::vector<std::string> folders_of(std::string path);
std::string_view name_of(std::string_view path);

}  // namespace tailgate::sources
