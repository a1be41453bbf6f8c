// SPDX-License-Identifier: Apache-2.0
// What became of a log's files, told by who writes and rotates them, and which of its lines may be lost by that.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tailgate::fuzz {

/// A log that is written, rotated, copied, truncated and deleted in a folder.
class LogModel {
 public:
  explicit LogModel(std::string folder, bool narrow)
      : folder_(std::move(folder)), narrow_(narrow) {}

  void write(unsigned padding);
  /// The beginning of a line; the next write() to the same file ends it.
  void write_part();
  void write_late(unsigned which);
  void rename();
  void copy();
  void copy_truncate();
  void truncate();
  void remove();
  void remove_rotated(unsigned which);

  /// The program has looked at everything there is, and read at most what is there.
  void looked_at();
  /// The program starts, or is gone; `cleanly`: with time to put aside what it holds of deleted files.
  void started() { up_ = true; }
  void ended(bool cleanly);
  /// A line came from the program. False: nobody wrote it.
  bool handed_out(const std::string& text);
  void settled(const std::string& text);
  /// Of a line by its text: its number, or nothing for one that was never ended or came late.
  [[nodiscard]] std::optional<std::size_t> place(const std::string& text) const;
  /// The first line that is neither settled nor may be lost.
  [[nodiscard]] std::optional<std::string> missing() const;
  /// Nothing happened by which a line may be lost; or come twice or out of order.
  [[nodiscard]] bool all_must_come() const { return lost_ == 0; }
  [[nodiscard]] bool in_order() const { return !copied_ && !touched_; }

 private:
  struct Line {
    std::string text;
    bool settled = false;
    bool may_be_lost = false;
    bool late = false;
  };
  struct File {
    std::vector<std::size_t> lines;
    std::string part;      // begun, not ended
    bool seen = false;     // by this run of the program, which holds it open
    bool read = false;     // at least a line of it, by any run: it is known again
    bool renamed = false;  // else a rotated one is a copy
  };

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string next_name();
  [[nodiscard]] std::string next_beginning();
  void append(const std::string& name, const std::string& text);
  void add_line(const std::string& name, File& file, std::string text, bool late);
  void may_lose(const File& file);
  void drop(std::map<std::string, File>::iterator file);
  [[nodiscard]] std::map<std::string, File>::iterator rotated(unsigned which);

  static constexpr const char* kLog = "access.log";
  std::string folder_;
  bool narrow_;  // the pattern names the log alone
  bool up_ = false;
  bool copied_ = false;   // a copy whose original goes another way is a file of its own
  bool touched_ = false;  // no one can tell when a file was written that nobody had seen
  unsigned names_ = 0;
  unsigned begun_ = 0;  // lines
  std::int64_t time_ = 1'700'000'000;
  std::size_t lost_ = 0;
  std::vector<Line> lines_;
  std::map<std::string, std::size_t> by_text_;
  std::set<std::string> parts_;  // that may come as lines of their own
  std::map<std::string, File> files_;
  std::vector<File> deleted_;  // held by the program alone
};

}  // namespace tailgate::fuzz
