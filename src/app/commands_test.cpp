// SPDX-License-Identifier: Apache-2.0
#include "app/commands.h"

#include <doctest/doctest.h>

namespace tailgate::app {
namespace {

TEST_CASE("of two exit codes the worse one is told, in whichever order they came") {
  const int from_best[] = {kSettled, kDeadLetters, kUsage, kUndelivered};
  for (int better = 0; better < 4; ++better) {
    for (int worst = better; worst < 4; ++worst) {
      CHECK(worse(from_best[better], from_best[worst]) == from_best[worst]);
      CHECK(worse(from_best[worst], from_best[better]) == from_best[worst]);
    }
  }
}

}  // namespace
}  // namespace tailgate::app
