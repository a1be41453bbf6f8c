// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tailgate::state {

/// Bytes that may still be written to the disk of `directory`; 0 when that cannot be told.
std::uint64_t disk_room(const std::string& directory);

/// A file that only takes space, so that there is some to work with when the disk is full: to save a position writes
/// before what it settles can be deleted. One thread.
class Ballast {
 public:
  Ballast(std::string directory, std::uint64_t bytes);

  /// Takes the space, if there is so much.
  void take();
  /// Gives the space back.
  void drop();
  [[nodiscard]] bool held() const { return held_; }

 private:
  std::string directory_;
  std::string path_;
  std::uint64_t bytes_;
  bool held_ = false;
};

}  // namespace tailgate::state
