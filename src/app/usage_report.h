// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/instant.h"
#include "core/filter.h"
#include "json/path.h"

namespace tailgate::app {

/// What one client did.
struct ClientUsage {
  std::uint64_t requests = 0;
  std::array<std::uint64_t, 6> by_class{};  // status 0 and unknown, 1xx … 5xx
  std::vector<double> durations;            // milliseconds, every one: percentiles are exact
  std::string first;                        // as the log has it; empty: no event had a time
  std::string last;
  Instant first_at;  // what they mean
  Instant last_at;
};

/// Where an access log keeps what is counted: the first of each list that an event has. The defaults find it in nested
/// events and in flat lines with `.` or `_`.
struct UsageFields {
  std::vector<json::Path> client;
  std::vector<json::Path> status;
  std::vector<json::Path> duration;
  std::vector<json::Path> time;

  static UsageFields usual();
};

/// Requests by client id.
struct UsageReport {
  struct Hash {
    // NOLINTNEXTLINE(readability-identifier-naming): the standard library looks for it
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, ClientUsage, Hash, std::equal_to<>> clients;
  std::uint64_t requests = 0;
  std::string by = "client_id";  // what the clients are told apart by

  /// For people; `limit` clients, the busiest first (0: all).
  [[nodiscard]] std::string table(std::size_t limit) const;
  [[nodiscard]] std::string json() const;
};

struct UsageRules {
  UsageFields fields = UsageFields::usual();
  std::string only_client;       // empty: all
  std::optional<Instant> since;  // events from here on; those without a time are left out
  std::optional<Instant> until;  // and before this
};

/// A filter that counts and drops, so that a log is counted at the pipe's speed, by the pipe's own parts.
std::unique_ptr<Filter> make_usage_filter(UsageRules rules, UsageReport& report);

}  // namespace tailgate::app
