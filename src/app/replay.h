// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/dead_store.h"
#include "core/source.h"

namespace tailgate::app {

/// Feeds dead letters back as lines, each as a stream of its own with its first generation and offset, so that its
/// meta.id is the one it had.
class ReplaySource final : public Source {
 public:
  /// `sinks`: how many the pipeline has. `letters` must outlive it.
  ReplaySource(const std::vector<const StoredLetter*>& letters, std::size_t sinks);

  [[nodiscard]] int wait_fd() const override { return -1; }
  Wakeup watch(Tick now) override;
  std::optional<Lines> read(std::size_t max_bytes) override;
  void checkpoint() override {}
  [[nodiscard]] bool rereadable() const override { return true; }
  [[nodiscard]] bool finished() const override { return next_ == letters_.size(); }
  [[nodiscard]] bool writers_gone() const override { return finished(); }
  [[nodiscard]] SourceStatus status() const override;

  enum class Outcome {
    waiting,  // not settled
    delivered,
    came_back,  // a new dead letter, for one sink at least
    filtered,
  };
  [[nodiscard]] Outcome outcome(std::size_t letter) const;

 private:
  const std::vector<const StoredLetter*>& letters_;
  std::size_t sinks_;
  std::size_t next_ = 0;
  std::uint64_t total_ = 0;  // bytes
  std::vector<std::shared_ptr<Stream>> streams_;
  std::string text_;
  Line line_;
};

}  // namespace tailgate::app
