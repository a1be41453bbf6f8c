// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/condition.h"
#include "core/filter.h"

namespace tailgate::pipeline {

/// What happens to an event whose filter failed.
enum class OnError { dead_letter, keep, drop };

/// Filters in their order, each with its condition. Intake thread only.
class Chain {
 public:
  struct Step {
    std::string name;  // as in the settings
    std::unique_ptr<Filter> filter;
    std::optional<Condition> when;  // the filter applies only to events that match
    OnError on_error = OnError::dead_letter;
  };

  Chain() = default;
  explicit Chain(std::vector<Step> steps) : steps_(std::move(steps)) {}

  /// This chain with further steps at its end.
  [[nodiscard]] Chain with(std::vector<Step> more) && {
    for (Step& step : more) steps_.push_back(std::move(step));
    return std::move(*this);
  }

  /// An error names the filter and is for the dead letters.
  Result<Verdict> apply(json::Event& event) const;
  [[nodiscard]] bool empty() const { return steps_.empty(); }
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

}  // namespace tailgate::pipeline
