// SPDX-License-Identifier: Apache-2.0
// A log under every file operation, the program reading, settling, killed and ended between them, against a model: a line
// that was written whole is settled at least once unless the operations allow its loss; no line is torn; lines leave in
// the order of writing. An input is a byte for each operation and, where it takes one, its argument.
#include <unistd.h>

#include <chrono>
#include <memory>

#include "files_model.h"
#include "fuzzing.h"
#include "sources/file_source.h"

namespace tailgate::fuzz {
namespace {

struct HandClock final : Clock {
  Tick at = Tick{} + std::chrono::hours(1);
  [[nodiscard]] Tick now() const override { return at; }
  [[nodiscard]] WallTime wall() const override { return WallTime{}; }
};

class Game {
 public:
  explicit Game(bool narrow) : model_(folder_.path, narrow) {
    settings_.paths = {folder_.path + "/access.log*"};
    if (narrow) settings_.exclude = {"*.[0-9]*"};
    start();
  }

  void play(std::uint8_t operation, std::uint8_t argument) {
    switch (operation % 18) {
      case 0:
      case 1:
      case 2:
        return model_.write(argument);
      case 3:
        return model_.write_part();
      case 4:
        return model_.write_late(argument);
      case 5:
        return model_.rename();
      case 6:
        return model_.copy_truncate();
      case 7:
        return model_.copy();
      case 8:
        return model_.truncate();
      case 9:
        return model_.remove();
      case 10:
        return model_.remove_rotated(argument);
      case 11:
        return read(1 + argument % 4);
      case 12:
        return look();
      case 13:
        return settle(argument);
      case 14:
        return checkpoint();
      case 15:
        clock_.at += Millis(argument * 300);
        return;
      case 16:
        return end(argument % 2 == 0);
      default:
        return start();
    }
  }

  /// Everything is read and settled: what is missing now is lost.
  void finish() {
    start();
    for (int i = 0; i < 8; ++i) {
      clock_.at += std::chrono::seconds(70);
      read(1000);
      settle(0xff);
      checkpoint();
    }
    const auto missing = model_.missing();
    must(!missing, "every line comes", missing.value_or(""));
    if (model_.all_must_come())
      must(counters_.lost_bytes.value() == 0, "nothing is told to be lost");
  }

 private:
  struct Got {
    std::string text;
    std::shared_ptr<Chunk> chunk;
    std::uint32_t line;
  };

  void start() {
    if (source_) return;
    auto store = state::Store::open({.directory = folder_.path + "/data"});
    must(store.has_value(), "the store opens", store ? "" : store.error().what);
    store_ = std::move(*store);
    SourceContext context;
    context.name = "access_log";
    context.clock = &clock_;
    context.store = store_.get();
    context.sinks = {"gateway"};
    context.counters = &counters_;
    context.data_dir = folder_.path + "/data";
    source_ = std::make_unique<sources::FileSource>(settings_, context);
    last_.reset();
    model_.started();
  }

  void end(bool cleanly) {
    if (!source_) return;
    if (cleanly) {
      source_->stopping(clock_.at + std::chrono::seconds(25));
      source_->checkpoint();
      source_->ends();
    }
    source_.reset();
    store_.reset();
    held_.clear();
    model_.ended(cleanly);
  }

  void look() {
    if (!source_) return;
    clock_.at += Millis(1100);
    source_->watch(clock_.at);
    source_->watch(clock_.at += Millis(30));
    model_.looked_at();
  }

  void read(int times) {
    if (!source_) return;
    look();
    for (int idle = 0; times > 0 && idle < 3; --times) {
      source_->watch(clock_.at);
      const auto lines = source_->read(200);
      idle = lines ? 0 : idle + 1;
      if (lines) take(*lines);
    }
  }

  void take(const Lines& lines) {
    for (std::uint32_t i = 0; i < lines.chunk->lines(); ++i) {
      std::string text(lines.lines[i].text);
      must(lines.lines[i].problem == Line::Problem::none, "no line is too long", text);
      must(model_.handed_out(text), "a line is one that was written", text);
      const auto place = model_.place(text);
      if (place && model_.in_order() && !lines.chunk->settled(i, 0)) {
        must(!last_ || *place > *last_, "lines come in order, and once in a run", text);
        last_ = place;
      }
      held_.push_back({std::move(text), lines.chunk, i});
    }
  }

  void settle(std::uint8_t which) {
    std::vector<Got> left;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      if ((which >> i % 8 & 1) != 0) {
        held_[i].chunk->settle_for_all(held_[i].line, Settled::delivered);
        model_.settled(held_[i].text);
      } else {
        left.push_back(std::move(held_[i]));
      }
    }
    held_ = std::move(left);
  }

  void checkpoint() {
    if (source_) source_->checkpoint();
  }

  Folder folder_;
  LogModel model_;
  HandClock clock_;
  metrics::SourceCounters counters_;
  sources::FileSettings settings_;
  std::unique_ptr<state::Store> store_;
  std::unique_ptr<sources::FileSource> source_;
  std::vector<Got> held_;  // handed out, not settled
  std::optional<std::size_t> last_;
};

}  // namespace
}  // namespace tailgate::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 120;
  if (size < 2 || size > kMost) return 0;
  tailgate::fuzz::Game game(data[0] % 2 == 1);
  for (std::size_t at = 1; at + 1 < size; at += 2) game.play(data[at], data[at + 1]);
  game.finish();
  return 0;
}
