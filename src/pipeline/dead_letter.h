// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "base/units.h"

namespace tailgate::pipeline {

/// One event or line that will not be delivered, and why.
struct DeadLetter {
  std::string_view source;
  std::string_view path;
  std::string gen;
  std::uint64_t offset = 0;
  std::string_view sink;   // empty: before any sink
  std::string_view stage;  // parse | filter | sink
  std::string_view reason;
  std::string_view answer;  // the other side's own words: JSON or empty
  unsigned attempts = 0;
  std::string_view event;    // JSON; empty when there is none
  std::string_view raw;      // the line as it came, when it is not an event
  std::uint64_t length = 0;  // of a line too long to keep; 0: the line is here
};

/// Where dead letters go: NDJSON, one object a line, files of mode 0600. `dead` commands may take a file at any time. line() then commit() (one fsync for many);
/// only then may their lines be settled. When they are full or the disk is, commit() fails and is tried again: whoever
/// waits for it blocks, nothing is dropped. Thread-safe: append and commit are one call under one lock.
class DeadLetters {
 public:
  struct Limits {
    Bytes max_bytes = Bytes{1} << 30;
    Millis max_age{0};            // 0: for ever
    bool block_when_full = true;  // false: drop_oldest
  };

  /// Into files in `folder`: a part is written for a day at most, and to at most an eighth of max_bytes (or 64 MiB).
  static DeadLetters in_folder(std::string folder, Limits limits, const Clock& clock, Log log);
  /// Into one file, appended.
  static DeadLetters in_file(std::string file, const Clock& clock, Log log);
  /// To stderr, for a pipe without `--dead`.
  static DeadLetters to_stderr(const Clock& clock, Log log);

  DeadLetters(DeadLetters&&) noexcept;
  ~DeadLetters();

  /// Opens what commit() would open first, so that a wrong path is known at the start.
  Result<void> prepare();
  /// The NDJSON line of a letter.
  [[nodiscard]] std::string line(const DeadLetter& letter) const;
  /// Makes `lines` (whole NDJSON lines) durable, in pieces that max_bytes has room for. What is durable leaves `lines`,
  /// whether or not the rest can follow; the error says why it cannot and what happens next.
  Result<void> commit(std::string& lines);
  /// Removes what is over age; looks once an hour, and not while letters are being written.
  void sweep();
  /// Bytes held now.
  [[nodiscard]] Bytes bytes() const;

 private:
  struct Impl;
  explicit DeadLetters(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tailgate::pipeline
