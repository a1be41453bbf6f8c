// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include "sources/source_fixture.h"

namespace tailgate::sources::testing {
namespace {

TEST_CASE("more logs than descriptors: some are left to others, and the logs wait for room") {
  Follower tail;
  tail.start();
  for (int n = 100; n < 140; ++n)
    tail.append("access.log" + std::to_string(n), std::to_string(n) + "\n");
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int next = dup(0);
  close(next);
  const rlimit few{static_cast<rlim_t>(next) + 24, limit.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  Texts texts = tail.texts();
  const int left[] = {dup(0), dup(0), dup(0)};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  for (const int fd : left) {
    CHECK(fd >= 0);
    close(fd);
  }
  CHECK(texts.size() >= 10);
  CHECK(texts.size() <= 22);
  tail.clock.at += std::chrono::seconds(5);
  for (std::string& text : tail.texts()) texts.push_back(std::move(text));
  CHECK(texts.size() == 40);
}

}  // namespace
}  // namespace tailgate::sources::testing
