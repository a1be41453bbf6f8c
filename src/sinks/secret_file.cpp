// SPDX-License-Identifier: Apache-2.0
#include "sinks/secret_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tailgate::sinks {

Result<std::string> SecretFile::read() {
  struct stat now {};
  if (::stat(path_.c_str(), &now) != 0) {
    if (!last_.empty()) return last_;
    return fail("cannot read " + path_ + ": " + std::strerror(errno));
  }
  const bool same = now.st_dev == device_ && now.st_ino == inode_ &&
                    now.st_mtim.tv_sec == changed_seconds_ && now.st_mtim.tv_nsec == changed_nanos_;
  if (same && !last_.empty()) return last_;
  Result<std::string> fresh = read_now();
  if (!fresh) {
    if (!last_.empty()) return last_;
    return fresh;
  }
  device_ = now.st_dev;
  inode_ = now.st_ino;
  changed_seconds_ = now.st_mtim.tv_sec;
  changed_nanos_ = now.st_mtim.tv_nsec;
  last_ = *fresh;
  return fresh;
}

Result<std::string> SecretFile::read_now() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return fail("cannot read " + path_ + ": " + std::strerror(errno));
  std::ostringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  constexpr const char* kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return fail(path_ + " is empty");
  const std::size_t end = text.find_last_not_of(kSpace);
  return text.substr(begin, end - begin + 1);
}

}  // namespace tailgate::sinks
