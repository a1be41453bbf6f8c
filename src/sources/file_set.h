// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/source.h"
#include "sources/discovery.h"
#include "sources/file_settings.h"
#include "sources/file_stream.h"
#include "sources/notifier.h"
#include "sources/resume.h"

namespace tailgate::sources {

/// The files of a source: which are open, as which generation each is read, and in which order.
/// Knows a file by its identity, so a rename changes nothing but its path; descriptors stay open
/// until everything was read and settled, so a rotation or a deletion loses nothing. Used by the
/// intake thread alone.
class FileSet {
 public:
  FileSet(const FileSettings& settings, const SourceContext& context);
  ~FileSet() = default;
  FileSet(const FileSet&) = delete;
  FileSet& operator=(const FileSet&) = delete;

  /// Brings back the files of an earlier run. False: the store cannot be read; try again.
  bool resume(Tick now);
  /// Before the end of the process: what waits in files that have no name any more is copied into data_dir/orphans,
  /// as far as `until` allows; the next run reads it there.
  void keep_deleted(Tick until);
  /// At the end of the process: what waits in deleted files and could not be kept is gone with us.
  void count_deleted();
  /// Looks at every open file: size, links. Also finds files renamed where no event told: then there may be some that
  /// were not looked at, and the answer is false.
  bool look_at_files(Tick now);
  /// The same after it looked for new, renamed and gone files, which sees of the open ones that were not touched all that
  /// look_at_files() would see: with nothing new those are not looked at twice.
  bool rescan_and_look(Tick now);
  /// Takes what inotify saw. True: rescan.
  bool take_changes();
  /// Lets go of files that are gone, read and settled, and of the oldest beyond the limits of
  /// `rotated`.
  void let_go(Tick now);

  /// Whether read() would look into the file now; releases it when what came before on its path is
  /// at its end.
  [[nodiscard]] bool readable(FileStream& file, Tick now);
  /// The file shrank or holds other bytes: its copy, if there is one, goes on; the path begins a
  /// new generation.
  void truncated(const std::shared_ptr<FileStream>& file, Tick now);

  /// Saves the records of new generations, which must be on disk before their first line leaves.
  Result<void> commit_new(Tick now);
  /// Saves what changed.
  Result<void> save(Tick now);

  [[nodiscard]] const std::vector<std::shared_ptr<FileStream>>& files() const { return files_; }
  [[nodiscard]] int wait_fd() const { return notifier_.fd(); }
  [[nodiscard]] bool resumed() const { return resumed_; }
  /// How many files could not be opened, or read, at the last look.
  [[nodiscard]] std::size_t unreadable() const;
  /// What was read of files that are no longer there, and some sink has not settled.
  [[nodiscard]] std::uint64_t unsettled_of_retired() const;
  /// What became of every line since the first, by sink, as it is on disk.
  [[nodiscard]] const std::map<std::string, Tally>& totals() const { return totals_; }

 private:
  using FilePtr = std::shared_ptr<FileStream>;

  FilePtr take_resumed(Resumed resumed, Tick now);
  bool come_back(Handle& handle, const Found& found, Tick now);
  void remove_orphans_but_of(const std::vector<state::Checkpoint>& records) const;
  [[nodiscard]] bool needs_keeping(FileStream& file) const;
  int keep(FileStream& file, Tick until) const;
  void report_lost(state::Checkpoint record);
  void forget_empty(std::vector<state::Checkpoint>& records, const std::vector<Found>& found);
  void adopt(const Found& found, Tick now);
  FilePtr open_new(Handle handle, const Found& found, std::uint64_t start, Tick now);
  void add(const FilePtr& file);
  std::vector<Found> scan();
  /// Looks for new, renamed and gone files. True: there are none, every open file was looked at, and none was truncated.
  bool rescan(Tick now);
  bool update_paths(const std::vector<Found>& found, Tick now);
  void rewind_forgotten();
  bool any_moved();
  void order_rotated(std::size_t first_new);
  void read_before_log(const FilePtr& file);
  void unpark(Tick now);
  void prove(const FilePtr& file, Tick now);
  /// True: there was one.
  bool notice_truncations(Tick now);
  [[nodiscard]] bool may_be_copy(const std::string& path) const;
  [[nodiscard]] FilePtr by_identity(const Identity& identity) const;
  [[nodiscard]] FilePtr original_of(int fd, const std::string& path, bool& read_before,
                                    Tick now) const;
  [[nodiscard]] FilePtr take_copy(FileStream& file, Tick now);
  [[nodiscard]] std::uint64_t start_of(int fd, const Found& found) const;
  [[nodiscard]] std::shared_ptr<Stream> new_stream(const std::string& path,
                                                   std::uint64_t start) const;
  void reclaim(Tick now);
  void remove_rotated(FileStream& file, Tick now);
  void drop_backlog();
  bool finished_with(FileStream& file, Tick now);
  void close(const FilePtr& file);
  void forget(FileStream& file);
  void save_retired();
  void count_retired();
  void drop_beyond_limits();
  void cannot_open(const std::string& path, int error);
  void complain_once(const std::string& path, const std::string& why);

  const FileSettings& settings_;
  const SourceContext& context_;
  Discovery discovery_;
  Notifier notifier_;
  std::vector<FilePtr> files_;
  std::map<Identity, FilePtr> by_identity_;                   // the same files
  std::map<std::string, std::weak_ptr<FileStream>> last_at_;  // path → the newest file that had it
  std::set<std::string> known_paths_;                         // of the records of an earlier run
  std::vector<state::Checkpoint> absent_;  // records whose files are not there, or cannot be read
  const std::string orphans_;              // where the copies of deleted files are; empty: nowhere
  std::set<std::string> complained_;
  std::set<std::string> unreadable_;
  struct Retired {
    std::shared_ptr<Stream> stream;
    state::Checkpoint record;
    std::uint64_t saved_version = 0;
  };
  std::vector<Retired> retired_;  // read, no longer to be read again, and not yet settled
  std::vector<Uuid> forgotten_;
  std::vector<state::Checkpoint> last_records_;  // of files that are gone or are forgotten next
  std::map<std::string, Tally> totals_;          // as last saved
  bool resumed_ = false;
  bool first_scan_ = true;
  bool backlog_full_ = false;
  bool crowded_ = false;  // it was said that there are more files than descriptors
};

/// Whether `name` looks like a rotation of `original`: access.log.1, access.log-20261123,
/// access-2026-11-23.log.
bool looks_rotated(std::string_view original, std::string_view name);

}  // namespace tailgate::sources
