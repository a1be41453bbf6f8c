// SPDX-License-Identifier: Apache-2.0
#include "pipeline/chain.h"

namespace tailgate::pipeline {

Result<Verdict> Chain::apply(json::Event& event) const {
  for (const Step& step : steps_) {
    if (step.when && !step.when->matches(event)) continue;
    const Result<Verdict> verdict = step.filter->apply(event);
    if (verdict.has_value()) {
      if (*verdict == Verdict::drop) return Verdict::drop;
    } else if (step.on_error == OnError::drop) {
      return Verdict::drop;
    } else if (step.on_error == OnError::dead_letter) {
      return fail(step.name + ": " + verdict.error().what);
    }
  }
  return Verdict::keep;
}

}  // namespace tailgate::pipeline
