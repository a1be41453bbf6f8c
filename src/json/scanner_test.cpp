// SPDX-License-Identifier: Apache-2.0
#include "json/scanner.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "json/parse.h"

namespace tailgate::json {
namespace {

// As slowly as can be.
std::size_t next_quote(const std::string& line, std::size_t at) {
  bool escaped = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && !escaped && i >= at) return i;
    escaped = line[i] == '\\' && !escaped;
  }
  return line.size();
}

TEST_CASE("the next quote is found from every place, and the line's end where there is none") {
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same lines in every run
  Scanner scanner;
  for (std::size_t size = 0; size < 300; ++size) {
    std::string line(size, 'a');
    for (char& c : line) {
      const auto kind = random() % (size % 2 == 0 ? 8 : 100);
      if (kind == 0) c = '"';
    }
    if (size > 10) line.replace(size / 2, 4, R"(\"\\)");
    const std::string padded = line + std::string(kPadding, '"');
    REQUIRE(scanner.index(std::string_view(padded).substr(0, size)));
    for (std::size_t at = 0; at <= size + 1; ++at) {
      const std::size_t expected = next_quote(line, at);
      const std::size_t found = scanner.quote_from(at);
      // Behind the last quote anything from the line's end on will do.
      REQUIRE((found == expected || (expected == size && found >= size)));
    }
  }
}

}  // namespace
}  // namespace tailgate::json
