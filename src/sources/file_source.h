// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "core/source.h"
#include "sources/file_set.h"
#include "sources/file_settings.h"

namespace tailgate::sources {

/// Follows files: `type: file`. Decides when to look and whose turn it is; FileSet knows the files.
class FileSource final : public Source {
 public:
  FileSource(FileSettings settings, SourceContext context);

  [[nodiscard]] int wait_fd() const override { return files_.wait_fd(); }
  Wakeup watch(Tick now) override;
  std::optional<Lines> read(std::size_t max_bytes) override;
  void checkpoint() override;
  void stopping(Tick until) override { files_.keep_deleted(until); }
  void ends() override;
  [[nodiscard]] bool finished() const override;
  [[nodiscard]] bool rereadable() const override { return true; }
  [[nodiscard]] bool writers_gone() const override;
  [[nodiscard]] SourceStatus status() const override;

 private:
  bool commit_new(Tick now);
  std::optional<Lines> read_one(const std::shared_ptr<FileStream>& file, std::size_t max_bytes,
                                Tick now);
  void count(Tick now);

  const FileSettings settings_;
  const SourceContext context_;
  FileSet files_;
  ReadSpace space_;
  std::size_t turn_ = 0;         // round robin
  std::optional<Tick> looked_;   // at the open files
  std::optional<Tick> scanned_;  // for new ones
  bool rescan_wanted_ = false;
  std::optional<Tick> failed_;  // the store: tried again after a while
  bool unnoted_ = false;        // said that new files wait
  bool behind_ = false;         // said that positions stay behind
};

/// The line of the registry.
SourceEntry file_source_entry();

/// True when no process has the file open for writing, as far as the kernel tells: a read lease
/// (fcntl(2)) is only given then. Nothing when it does not tell (another user's file, some file
/// systems).
std::optional<bool> nobody_writes(int fd);

}  // namespace tailgate::sources
