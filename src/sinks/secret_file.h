// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tailgate::sinks {

/// A secret in a file that may be exchanged while we run (rotated tokens): one stat() per use, read
/// again when the file changed. Leading and trailing white space is not part of it. One thread.
class SecretFile {
 public:
  explicit SecretFile(std::string path) : path_(std::move(path)) {}

  /// The secret as it is now. While the file is gone or empty (a rotation under way), the last one
  /// that was there.
  Result<std::string> read();

 private:
  Result<std::string> read_now() const;

  std::string path_;
  std::string last_;
  ::dev_t device_ = 0;
  ::ino_t inode_ = 0;
  std::int64_t changed_seconds_ = 0;
  std::int64_t changed_nanos_ = 0;
};

}  // namespace tailgate::sinks
