// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/source.h"
#include "sources/line_buffer.h"
#include "sources/spooler.h"
#include "state/store.h"

namespace tailgate::sources {

/// `type: stdin` under `run` with a data_dir: lines come out of the spool, first those that earlier runs left. Each
/// input is a generation with positions of its own in state.db, as a file is, so what a sink has settled is not sent to
/// it again, and a changed configuration applies to what waits.
class SpooledSource final : public Source {
 public:
  SpooledSource(int fd, std::size_t max_line_bytes, SpoolRules rules, state::Spool::Opened opened,
                SourceContext context);

  [[nodiscard]] int wait_fd() const override { return spooler_.wait_fd(); }
  Wakeup watch(Tick now) override;
  std::optional<Lines> read(std::size_t max_bytes) override;
  void checkpoint() override;
  void ends() override { spooler_.stop(); }
  [[nodiscard]] bool finished() const override { return finished_; }
  [[nodiscard]] bool rereadable() const override { return !spooler_.must_stay(); }
  [[nodiscard]] bool writers_gone() const override { return finished_; }
  [[nodiscard]] SourceStatus status() const override;

 private:
  struct Input {
    std::shared_ptr<Stream> stream;
    std::uint64_t saved_version = 0;
    bool ranges_full = false;  // more would not fit in the checkpoint
  };
  /// What was read at a time and is not settled yet: for its age.
  struct Mark {
    std::int64_t input;
    std::uint64_t end;
    WallTime read_at;
  };

  std::uint64_t resume(const state::SpoolInput& input,
                       const std::vector<state::Checkpoint>& records);
  Input& input_of(const state::SpoolRow& row);
  bool take_row();
  std::optional<Lines> turn_to_row();
  std::optional<Lines> end_input();
  [[nodiscard]] bool input_is_over() const;
  std::optional<Lines> cut(bool at_end);
  std::optional<Lines> cut_opened(bool at_end);
  [[nodiscard]] bool window_open() const;
  [[nodiscard]] state::Checkpoint record_of(Input& input) const;
  void save();
  void count();

  const SourceContext context_;
  std::map<std::int64_t, Input> inputs_;
  std::vector<Uuid> forgotten_;
  std::map<std::string, Tally> totals_;
  std::deque<Mark> marks_;
  state::SpoolRow row_;     // what is read from
  std::size_t row_at_ = 0;  // up to here
  bool turned_ = true;      // the buffer continues into the row
  std::int64_t input_ = 0;  // whose bytes the buffer holds; 0: none yet
  WallTime read_at_{};
  LineBuffer buffer_;
  bool finished_ = false;
  bool complained_ = false;
  Spooler spooler_;  // its thread uses what stands above
};

}  // namespace tailgate::sources
