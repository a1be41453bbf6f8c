// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace tailgate {

Result<Bytes> parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::uint64_t factor = 0;
  if (unit.empty() || unit == "B") factor = 1;
  if (unit == "Ki" || unit == "KiB") factor = 1ULL << 10;
  if (unit == "Mi" || unit == "MiB") factor = 1ULL << 20;
  if (unit == "Gi" || unit == "GiB") factor = 1ULL << 30;
  if (problem != std::errc() || factor == 0) {
    return fail(fmt::format(
        "\"{}\" is not a size; write a whole number with Ki, Mi or Gi, such as 90KiB", text));
  }
  if (number > std::numeric_limits<std::uint64_t>::max() / factor) {
    return fail(fmt::format("\"{}\" is larger than any disk", text));
  }
  return number * factor;
}

Result<Millis> parse_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  constexpr double kLongest = 1000.0 * 366 * 86'400'000;  // a thousand years
  const auto bad = [&] {
    return fail(fmt::format(
        "\"{}\" is not a duration; write a number with ms, s, m, h or d, such as 30s", text));
  };
  if (text.empty()) return bad();
  double total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    double number = 0;
    const auto [end, problem] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (problem != std::errc() || number < 0) return bad();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::size_t unit_size = std::min(rest.find_first_of("0123456789."), rest.size());
    const std::string_view unit = rest.substr(0, unit_size);
    double factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s") factor = 1000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (unit == "d") factor = 86'400'000;
    if (factor == 0) return bad();
    total += number * factor;
    rest.remove_prefix(unit_size);
  }
  if (total > kLongest) return bad();
  return Millis(static_cast<Millis::rep>(total));
}

std::string human_bytes(Bytes size) {
  if (size < 1024) return fmt::format("{} B", size);
  double value = static_cast<double>(size);
  for (const char* unit : {"KiB", "MiB", "GiB"}) {
    value /= 1024;
    if (value < 1024) return fmt::format("{:.1f} {}", value, unit);
  }
  return fmt::format("{:.1f} TiB", value / 1024);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}

std::string human_duration(Millis duration) {
  const auto ms = duration.count();
  if (ms < 1000) return fmt::format("{}ms", ms);
  const auto seconds = ms / 1000;
  if (seconds < 60) {
    return ms % 1000 == 0 ? fmt::format("{}s", seconds)
                          : fmt::format("{:.1f}s", static_cast<double>(ms) / 1000);
  }
  if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d {}h", seconds / 86'400, seconds % 86'400 / 3600);
}

}  // namespace tailgate
