// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/raw_bytes.h"
#include "base/result.h"

namespace tailgate {

/// True when the bytes begin as gzip does (RFC 1952 §2.3.1).
bool looks_gzipped(std::string_view head);

/// Inflates gzip as it comes, several members one after the other too. One thread.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Appends what `input` inflates to, until all of it is used.
  Result<void> feed(std::string_view input, RawBytes& out);
  /// The input ends here. An error when it ends inside a member.
  [[nodiscard]] Result<void> end() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tailgate
