// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/gunzip.h"
#include "base/raw_bytes.h"
#include "base/units.h"
#include "core/source.h"
#include "state/spool.h"

namespace tailgate::sources {

/// The options of a spool.
struct SpoolRules {
  enum class WhenFull : std::uint8_t { block, drop_newest, drop_oldest };
  Bytes max_bytes = Bytes{1} << 30;
  WhenFull when_full = WhenFull::block;
  std::size_t max_line_bytes = std::size_t{1}
                               << 20;  // of a longer line no more is kept than tells so
};

/// Reads an input that cannot be read again, keeps every byte in the spool, and hands the bytes on in their order: those
/// of earlier inputs first. A thread of its own, so that no sync to disk holds the intake up; it alone uses the spool.
/// What was read is durable within 50 ms and handed on only then, so nothing leaves that a crash could take back. Fresh
/// bytes are handed on from memory; others are read from the spool when they are due. The other methods belong to the
/// intake thread.
class Spooler {
 public:
  /// `fd` stays open and blocking: others may share it. `context` must outlive this. Does nothing before start().
  Spooler(int fd, SpoolRules rules, state::Spool::Opened opened, const SourceContext& context);
  ~Spooler();
  Spooler(const Spooler&) = delete;
  Spooler& operator=(const Spooler&) = delete;

  /// `settled`: up to where each input of an earlier run is settled, on disk. Nothing of that is handed on.
  void start(const std::map<std::int64_t, std::uint64_t>& settled);

  /// Readable when take() has something new.
  [[nodiscard]] int wait_fd() const { return ready_fd_; }
  /// True when take() has something. Until it has, wait_fd() is quiet.
  bool ready();
  /// The next bytes, whole rows as they are in the spool.
  std::optional<state::SpoolRow> take();
  /// The input is at its end, and all of it was taken.
  [[nodiscard]] bool finished() const;

  /// Nothing of inputs before the current one comes any more.
  [[nodiscard]] bool caught_up() const;
  /// What the descriptor brings.
  [[nodiscard]] std::int64_t current_input() const { return current_.id; }
  /// Everything of the input before `offset` is settled, on disk. Deleted some time later.
  void settled(std::int64_t input, std::uint64_t offset);
  /// The positions could not be saved: they may have the ballast's space.
  void lend();
  /// Inputs that are no longer in the spool, all settled.
  std::vector<Uuid> gone();
  /// Lines dropped since the last call.
  std::uint64_t dropped_lines() { return dropped_.exchange(0); }
  /// Of all inputs, where each begins and ends by now.
  [[nodiscard]] std::vector<state::SpoolInput> inputs() const;
  /// A part of the input is neither in the spool nor can it be read on after a restart: the middle of a gz.
  [[nodiscard]] bool must_stay() const { return inflating_.load(); }
  /// Reads no more; what was read is in the spool when it returns, if there is any room at all.
  void stop();

 private:
  void start_input(std::vector<state::SpoolInput> known);
  void work();
  void wait();
  [[nodiscard]] bool all_is_held();
  [[nodiscard]] int patience(Tick now) const;

  void read_input();
  void take_in(std::string_view bytes);
  void pass_over(std::string_view& bytes);
  void input_ends(const std::string& trouble);

  void store(bool last_chance);
  bool store_row(std::size_t size, bool last_chance);
  enum class Room { none, made, dropped_pending };
  Room make_room(std::uint64_t bytes, const std::string& why);
  void say_room();
  bool drop_pending();
  void count_dropped(std::uint64_t lines, std::uint64_t bytes);

  void read_back();
  void report_damaged(const state::SpoolRow& row);
  bool was_settled(const state::SpoolRow& row);
  void settle_empty();
  void look_for_gap(const state::SpoolRow& row);
  void hand_on(state::SpoolRow row);
  void release(bool at_once);
  bool release_one(std::int64_t id, std::uint64_t offset);
  void note_input();
  void tell(int fd) const;

  const int fd_;
  const SpoolRules rules_;
  const SourceContext& context_;
  int ready_fd_ = -1;  // told: there is something to take
  int wake_fd_ = -1;   // told: this thread has something to do

  // The thread's own.
  std::unique_ptr<state::Spool> spool_;
  state::SpoolInput current_;  // what fd_ brings
  std::unique_ptr<Gunzip> gunzip_;
  RawBytes raw_;
  std::string pending_;   // read, not yet in the spool
  Tick pending_since_{};  // its first byte
  WallTime pending_read_at_{};
  bool at_start_ = true;        // of the input: the magic number is looked for
  bool dropping_line_ = false;  // the line that comes was dropped at its beginning
  /// The line that is not at its end.
  struct OpenLine {
    std::uint64_t bytes = 0;
    bool too_long = false;      // nothing is read until what was read of it is kept
    bool passing_over = false;  // and then it is passed over to its end
    void begin() { *this = {}; }
  };
  OpenLine line_;
  bool input_ended_ = false;
  std::int64_t handed_on_ = 0;      // the last row that is in the queue or was taken
  std::int64_t handed_input_ = 0;   // whose it is
  std::uint64_t handed_end_ = 0;    // and where it ends
  std::optional<Tick> unreadable_;  // when reading it back failed
  std::optional<Tick> full_;        // when the last attempt to store failed
  std::uint64_t dropped_while_full_ = 0;
  Tick said_full_{};
  bool undeleted_ = false;           // it was said that something cannot be deleted
  std::uint64_t damaged_bytes_ = 0;  // of rows since the last sound one
  Tick released_{};

  mutable std::mutex mutex_;
  // Guarded by it.
  std::deque<state::SpoolRow> queue_;
  std::size_t queued_bytes_ = 0;
  bool more_ = false;    // the spool holds rows after the queue's last
  bool stored_ = false;  // the input is at its end, and all of it is in the spool
  std::map<std::int64_t, state::SpoolInput> inputs_;
  std::set<std::int64_t> handed_;  // of which something was handed on
  std::map<std::int64_t, std::uint64_t> settled_;
  std::vector<Uuid> gone_;

  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> inflating_{false};
  std::atomic<bool> lend_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// By what the same pipe is known again after a restart: this boot's number for it. Of a file also where its reading
/// began, `already_read` bytes ago.
std::string input_identity(int fd, std::uint64_t already_read);

}  // namespace tailgate::sources
