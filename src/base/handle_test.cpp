// SPDX-License-Identifier: Apache-2.0
#include "base/handle.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

namespace tailgate {
namespace {

TEST_CASE("more than a pipe holds is written all the same") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const Handle reads(ends[0]);
  std::string got;
  std::thread reader([&] {
    std::array<char, 4096> some{};
    for (ssize_t n = 0; (n = read(reads.fd(), some.data(), some.size())) > 0;)
      got.append(some.data(), static_cast<std::size_t>(n));
  });
  const std::string text(300'000, 'x');
  {
    const Handle writes(ends[1]);
    CHECK(write_all(writes.fd(), text));
  }
  reader.join();
  CHECK(got == text);
}

TEST_CASE("what cannot be written is said with its reason") {
  const Handle reads(open("/dev/null", O_RDONLY));
  CHECK_FALSE(write_all(reads.fd(), "x"));
  CHECK(errno == EBADF);
  CHECK(write_all(-1, ""));
}

TEST_CASE("a handle closes what it owns, once") {
  int fd = -1;
  {
    Handle one(dup(0));
    fd = one.fd();
    const Handle other = std::move(one);
    CHECK(other.fd() == fd);
    CHECK(fcntl(fd, F_GETFD) >= 0);
  }
  CHECK(fcntl(fd, F_GETFD) < 0);
}

}  // namespace
}  // namespace tailgate
