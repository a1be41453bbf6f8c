// SPDX-License-Identifier: Apache-2.0
#include "app/instant.h"

#include <cstddef>

namespace tailgate::app {
namespace {

using std::chrono::nanoseconds;

/// What is left of a text, taken piece by piece.
class Rest {
 public:
  explicit Rest(std::string_view text) : text_(text) {}

  [[nodiscard]] bool empty() const { return text_.empty(); }
  bool take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Exactly so many digits.
  std::optional<int> number(std::size_t digits) {
    if (text_.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : text_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }
  /// The digits behind a point, as nanoseconds; what they leave open in `precision`.
  std::optional<nanoseconds> fraction(nanoseconds& precision) {
    nanoseconds value{0};
    bool any = false;
    while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9') {
      any = true;
      if (precision > nanoseconds(1)) {
        precision /= 10;
        value += precision * (text_.front() - '0');
      }
      text_.remove_prefix(1);
    }
    return any ? std::optional(value) : std::nullopt;
  }

 private:
  std::string_view text_;
};

// `Z`, `+01:00`, `-0330`, or nothing.
std::optional<std::chrono::minutes> offset_of(Rest& rest) {
  if (rest.empty() || rest.take("Zz")) return std::chrono::minutes(0);
  const bool minus = rest.take("-");
  if (!minus && !rest.take("+")) return std::nullopt;
  const auto hours = rest.number(2);
  rest.take(":");
  const auto minutes = rest.number(2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return minus ? -offset : offset;
}

// Hours and minutes, then perhaps seconds and their fraction.
std::optional<nanoseconds> time_of_day(Rest& rest, nanoseconds& precision) {
  const auto hour = rest.number(2);
  if (!rest.take(":")) return std::nullopt;
  const auto minute = rest.number(2);
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  nanoseconds time = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  precision = std::chrono::minutes(1);
  if (!rest.take(":")) return time;
  const auto second = rest.number(2);
  if (!second || *second > 60) return std::nullopt;  // 60: a leap second
  time += std::chrono::seconds(*second);
  precision = std::chrono::seconds(1);
  if (!rest.take(".,")) return time;
  const auto fraction = rest.fraction(precision);
  if (!fraction) return std::nullopt;
  return time + *fraction;
}

}  // namespace

std::optional<TimeSpan> parse_time(std::string_view text) {
  using namespace std::chrono;
  Rest rest(text);
  const auto y = rest.number(4);
  if (!y || !rest.take("-")) return std::nullopt;
  const auto m = rest.number(2);
  if (!m || !rest.take("-")) return std::nullopt;
  const auto d = rest.number(2);
  // Nanoseconds in 64 bits end in 2262.
  if (!d || *y < 1900 || *y > 2200) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)),
                            day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  const Instant midnight = sys_days(date);
  if (rest.empty()) return TimeSpan{midnight, midnight + days(1)};
  if (!rest.take("Tt ")) return std::nullopt;
  nanoseconds precision{0};
  const auto time = time_of_day(rest, precision);
  if (!time) return std::nullopt;
  const auto offset = offset_of(rest);
  if (!offset || !rest.empty()) return std::nullopt;
  const Instant begin = midnight + *time - *offset;
  return TimeSpan{begin, begin + precision};
}

}  // namespace tailgate::app
