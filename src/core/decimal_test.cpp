// SPDX-License-Identifier: Apache-2.0
#include "core/decimal.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using tailgate::compare_numbers;
using tailgate::is_whole;

namespace {

int order(std::string_view left, std::string_view right) {
  const auto result = compare_numbers(left, right);
  return result < 0 ? -1 : result > 0 ? 1 : 0;
}

}  // namespace

TEST_CASE("numbers that are written differently but are the same compare as equal") {
  const std::vector<std::vector<std::string>> groups = {
      {"0", "-0", "0.0", "0e99", "-0.00e-3"},
      {"1000", "1e3", "1000.0", "0.1e4", "10000E-1", "1.000e+3"},
      {"-1.5", "-15e-1", "-0.15e1", "-1.50"},
      {"0.001", "1e-3", "0.1e-2", "0.00100"},
  };
  for (const auto& group : groups) {
    for (const auto& a : group) {
      for (const auto& b : group) CHECK_MESSAGE(order(a, b) == 0, a << " " << b);
    }
  }
}

TEST_CASE("numbers too large or too fine for a double are told apart") {
  CHECK(order("12345678901234567890", "12345678901234567891") == -1);
  CHECK(order("-12345678901234567890", "-12345678901234567891") == 1);
  CHECK(order("9007199254740993", "9007199254740992.0") == 1);
  CHECK(order("0.10000000000000000001", "0.1") == 1);
  CHECK(order("1e999", "1e1000") == -1);
  CHECK(order("1e-999999999999999999999", "0") == 1);
  CHECK(order("-1e999999999999999999999", "-5") == -1);
}

TEST_CASE("for numbers that a double holds the order is the double's") {
  std::mt19937 random(7);  // NOLINT: the same numbers at every run
  const std::vector<std::string> forms = {"0",   "-0.5", "1",   "2",    "10",
                                          "1e1", "12",   "100", "99.9", "99.95"};
  std::vector<std::string> numbers = forms;
  for (int i = 0; i < 200; ++i) {
    const int a = static_cast<int>(random() % 2000) - 1000;
    numbers.push_back(std::to_string(a) + "." + std::to_string(random() % 100) + "e" +
                      std::to_string(static_cast<int>(random() % 7) - 3));
  }
  for (const auto& a : numbers) {
    for (const auto& b : numbers) {
      const double x = std::strtod(a.c_str(), nullptr);
      const double y = std::strtod(b.c_str(), nullptr);
      CHECK_MESSAGE(order(a, b) == (x < y ? -1 : x > y ? 1 : 0), a << " " << b);
    }
  }
}

TEST_CASE("a whole number may be written with a fraction or an exponent") {
  for (const char* text : {"0", "-3", "2.0", "1e3", "1.5e1", "-0.0", "100", "12.50e2"}) {
    CHECK_MESSAGE(is_whole(text), text);
  }
  for (const char* text : {"0.5", "1e-1", "1.25e1", "100.01", "-7.7"}) {
    CHECK_MESSAGE(!is_whole(text), text);
  }
}
