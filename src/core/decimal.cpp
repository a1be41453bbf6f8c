// SPDX-License-Identifier: Apache-2.0
#include "core/decimal.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace tailgate {
namespace {

// A number as ±0.d1d2d3… × 10^exponent, where d1 is not 0. Its digits stay where they are in the
// lexeme.
class Decimal {
 public:
  explicit Decimal(std::string_view number) {
    if (number.front() == '-') {
      negative_ = true;
      number.remove_prefix(1);
    }
    const std::size_t e = number.find_first_of("eE");
    const std::int64_t written = e == std::string_view::npos ? 0 : clamped(number.substr(e + 1));
    const std::string_view mantissa = number.substr(0, e);
    const std::size_t dot = mantissa.find('.');
    const auto whole = static_cast<std::int64_t>(std::min(dot, mantissa.size()));
    const std::size_t first = mantissa.find_first_of("123456789");
    if (first == std::string_view::npos) {
      negative_ = false;
      return;
    }
    digits_ = mantissa.substr(first, mantissa.find_last_of("123456789") - first + 1);
    const auto at = static_cast<std::int64_t>(first);
    exponent_ = written + (at < whole ? whole - at : whole + 1 - at);
  }

  [[nodiscard]] int sign() const { return digits_.empty() ? 0 : negative_ ? -1 : 1; }

  [[nodiscard]] bool whole() const {
    if (digits_.empty()) return true;
    const auto count = static_cast<std::int64_t>(digits_.size()) -
                       (digits_.find('.') == std::string_view::npos ? 0 : 1);
    return exponent_ >= count;
  }

  // By size alone; both are not zero.
  [[nodiscard]] std::strong_ordering compare_size(const Decimal& other) const {
    if (exponent_ != other.exponent_) return exponent_ <=> other.exponent_;
    std::size_t i = 0;
    std::size_t j = 0;
    for (;;) {
      if (i < digits_.size() && digits_[i] == '.') ++i;
      if (j < other.digits_.size() && other.digits_[j] == '.') ++j;
      // Both end in a digit that is not 0: the longer one is the larger one.
      if (i == digits_.size() || j == other.digits_.size()) {
        return (i < digits_.size()) <=> (j < other.digits_.size());
      }
      if (digits_[i] != other.digits_[j]) return digits_[i] <=> other.digits_[j];
      ++i;
      ++j;
    }
  }

 private:
  // Exponents beyond this are all the same to us: no lexeme has as many digits.
  static constexpr std::int64_t kLimit = std::int64_t{1} << 60;

  static std::int64_t clamped(std::string_view exponent) {
    if (exponent.front() == '+') exponent.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, problem] =
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), value);
    if (problem == std::errc::result_out_of_range) {
      return exponent.front() == '-' ? -kLimit : kLimit;
    }
    return std::clamp(value, -kLimit, kLimit);
  }

  bool negative_ = false;
  std::string_view digits_;  // may hold the dot; empty for zero
  std::int64_t exponent_ = 0;
};

// Digits alone: what nearly every number in a log is.
bool is_plain(std::string_view number) {
  return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::strong_ordering compare_numbers(std::string_view left, std::string_view right) {
  if (is_plain(left) && is_plain(right)) {
    const auto longer = left.size() <=> right.size();
    return longer != 0 ? longer : left.compare(right) <=> 0;
  }
  const Decimal a(left);
  const Decimal b(right);
  if (a.sign() != b.sign()) return a.sign() <=> b.sign();
  if (a.sign() == 0) return std::strong_ordering::equal;
  return a.sign() > 0 ? a.compare_size(b) : b.compare_size(a);
}

bool is_whole(std::string_view number) {
  return Decimal(number).whole();
}

}  // namespace tailgate
