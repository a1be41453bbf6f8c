// SPDX-License-Identifier: Apache-2.0
#include "sources/discovery.h"

#include <dirent.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace tailgate::sources {
namespace {

bool has_wildcard(std::string_view text) {
  return text.find_first_of("*?[{") != std::string_view::npos;
}

std::vector<std::string> expand(const std::string& pattern, int flags) {
  struct stat found {};
  // A file may be named like a pattern: `a[1].log`.
  if (!has_wildcard(pattern) || stat(pattern.c_str(), &found) == 0) return {pattern};
  glob_t paths{};
  std::vector<std::string> out;
  if (glob(pattern.c_str(), GLOB_NOSORT | GLOB_BRACE | flags, nullptr, &paths) == 0) {
    out.assign(paths.gl_pathv, paths.gl_pathv + paths.gl_pathc);
  }
  globfree(&paths);
  return out;
}

std::optional<Found> look_at(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return std::nullopt;
  const bool link = S_ISLNK(found.st_mode);
  if ((link && stat(path.c_str(), &found) != 0) || !S_ISREG(found.st_mode)) return std::nullopt;
  return Found{path, Identity::of(found), static_cast<std::uint64_t>(found.st_size),
               static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 +
                   static_cast<std::int64_t>(found.st_mtim.tv_nsec),
               link};
}

bool is_directory(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

/// The directory itself, or the nearest one above it that exists.
std::string existing(std::string path) {
  while (!is_directory(path)) {
    const std::string above = directory_of(path);
    if (above == path) break;
    path = above;
  }
  return path;
}

/// The places where a file named by `pattern` may appear: every directory that a part of the
/// pattern names.
void add_directories(const std::string& pattern, std::set<std::string>& out) {
  std::string part = directory_of(pattern);
  std::vector<std::string> parts;
  while (has_wildcard(part)) {
    parts.push_back(part);
    part = directory_of(part);
  }
  out.insert(existing(part));
  for (const std::string& wild : parts) {
    for (std::string& path : expand(wild, GLOB_ONLYDIR)) {
      while (path.size() > 1 && path.back() == '/') path.pop_back();
      if (is_directory(path)) out.insert(std::move(path));
    }
  }
}

}  // namespace

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> folders_of(std::string path) {
  constexpr int kMostLinks = 8;
  std::vector<std::string> folders;
  for (int links = 0; links < kMostLinks; ++links) {
    const std::string folder = directory_of(path);
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
    std::array<char, PATH_MAX> target{};
    const ssize_t size = readlink(path.c_str(), target.data(), target.size());
    if (size <= 0) break;
    const std::string to(target.data(), static_cast<std::size_t>(size));
    path = to.front() == '/' ? to : fmt::format("{}/{}", folder, to);
  }
  return folders;
}

std::string_view name_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Discovery::Discovery(std::vector<std::string> patterns, std::vector<std::string> exclude)
    : patterns_(std::move(patterns)), exclude_(std::move(exclude)) {}

bool Discovery::excluded(const std::string& path) const {
  return std::any_of(exclude_.begin(), exclude_.end(), [&](const std::string& pattern) {
    const bool whole = pattern.find('/') != std::string::npos;
    const std::string text = whole ? path : std::string(name_of(path));
    return fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  });
}

std::vector<Found> Discovery::scan() const {
  std::set<std::string> paths;
  for (const std::string& pattern : patterns_) {
    for (std::string& path : expand(pattern, 0)) paths.insert(std::move(path));
  }
  std::vector<Found> found;
  for (const std::string& path : paths) {
    if (excluded(path)) continue;
    if (auto file = look_at(path)) found.push_back(std::move(*file));
  }
  // Within one tick of the file system's clock a log comes after its rotations, whose names are longer.
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tuple(a.modified, b.path.size(), std::string_view(a.path)) <
           std::tuple(b.modified, a.path.size(), std::string_view(b.path));
  });
  return found;
}

std::set<std::string> Discovery::directories(const std::vector<Found>& found) const {
  std::set<std::string> out;
  for (const std::string& pattern : patterns_) add_directories(pattern, out);
  for (const Found& file : found) {
    if (!file.link) continue;
    const std::unique_ptr<char, void (*)(void*)> target(realpath(file.path.c_str(), nullptr), free);
    if (target) out.insert(directory_of(target.get()));
  }
  return out;
}

std::vector<Found> files_in(const std::string& directory) {
  std::vector<Found> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (!dir) return found;
  while (const dirent* entry = readdir(dir.get())) {
    if (entry->d_type == DT_DIR) continue;
    if (auto file = look_at(directory + "/" + entry->d_name)) found.push_back(std::move(*file));
  }
  return found;
}

}  // namespace tailgate::sources
