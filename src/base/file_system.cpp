// SPDX-License-Identifier: Apache-2.0
#include "base/file_system.h"

#include <sys/vfs.h>

namespace tailgate {
namespace {

constexpr unsigned long kFuse = 0x65735546;

bool is_remote(const struct statfs& about) {
  const auto type = static_cast<long>(about.f_type);
  return !network_file_system(type).empty() || static_cast<unsigned long>(type) == kFuse;
}

}  // namespace

std::string_view network_file_system(long type) {
  switch (static_cast<unsigned long>(type) & 0xffffffffUL) {
    case 0x6969:
      return "NFS";
    case 0xff534d42:
      return "CIFS";
    case 0x517b:
      return "SMB";
    case 0xfe534d42:
      return "SMB2";
    case 0x01021997:
      return "9P";
    case 0x00c36400:
      return "Ceph";
    case 0x5346414f:
      return "AFS";
    case 0x73757245:
      return "Coda";
    case 0x0bd00bd0:
      return "Lustre";
    case 0x47504653:
      return "GPFS";
    default:
      return {};
  }
}

bool is_remote(const std::string& path) {
  struct statfs about {};
  return ::statfs(path.c_str(), &about) == 0 && is_remote(about);
}

bool is_remote(int fd) {
  struct statfs about {};
  return ::fstatfs(fd, &about) == 0 && is_remote(about);
}

}  // namespace tailgate
