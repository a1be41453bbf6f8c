// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/event.h"
#include "metrics/counters.h"
#include "settings/options.h"

namespace tailgate {

enum class Verdict { keep, drop };

/// What a chain does to one top-level member, known from its key alone. Each structural filter refines it in turn;
/// the hot path then handles that key without a tree, and apply() goes by the same rule.
struct KeyPlan {
  enum class Convert { none, integer, number, boolean, string };

  json::Path path;       // where the value leaves; starts as the key itself
  bool removed = false;  // it does not leave at all
  bool drop_null = false;
  bool drop_dash = false;  // the string "-"
  bool drop_empty_text = false;
  Convert convert = Convert::none;
  bool read =
      false;  // a filter or a condition looks at the value: it must be at hand when the line is done
  metrics::Counter* counted = nullptr;  // grows with every such member; lives as long as the filter
};

/// Something a filter counts beside its verdicts, under the name it has in the metrics.
struct FilterCounter {
  std::string_view name;
  const metrics::Counter* counter;
};

/// Changes an event in place or drops it; never makes several of one. Built from its YAML options; belongs to one
/// chain; called by the intake thread alone.
class Filter {
 public:
  /// How much of an event apply() has to see.
  enum class Reach {
    whole,   // all of it
    marked,  // the members that rule() marks as read, with the objects they are in, and nothing else of the event
    keys,    // nothing: rule() says all that it does
  };

  virtual ~Filter() = default;
  /// An error is the event's: it goes to the dead letters, or as `on_error` says. The event may be half changed then.
  virtual Result<Verdict> apply(json::Event& event) = 0;
  [[nodiscard]] virtual Reach reach() const { return Reach::whole; }
  /// Refines `plan` and says true; of reach `marked`, it marks every member that apply() may look at, change, or set
  /// something beside. False: what it does to this member depends on more than the key. Not asked of reach `whole`.
  [[nodiscard]] virtual bool rule(KeyPlan& plan);
  /// They live as long as the filter.
  [[nodiscard]] virtual std::vector<FilterCounter> counters() const;
};

inline bool Filter::rule(KeyPlan& /*plan*/) {
  return false;
}
inline std::vector<FilterCounter> Filter::counters() const {
  return {};
}

/// One line of filters/registry.cpp.
struct FilterEntry {
  std::string_view name;
  std::string_view summary;
  settings::OptionTable options;
  /// Called after the options were checked; adds further problems to the section. May return nullptr after a problem.
  std::unique_ptr<Filter> (*make)(const settings::Section& options);
};

}  // namespace tailgate
