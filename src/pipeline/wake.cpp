// SPDX-License-Identifier: Apache-2.0
#include "pipeline/wake.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace tailgate::pipeline {

Wake::Wake() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) throw std::runtime_error("no descriptor for the intake's eventfd");
}

Wake::~Wake() {
  ::close(fd_);
}

void Wake::call() {
  const std::uint64_t one = 1;
  // The counter can only be full when the loop is awake already.
  [[maybe_unused]] const ssize_t wrote = ::write(fd_, &one, sizeof one);
}

void Wake::wanted(bool yes) {
  wanted_.store(yes);
  if (yes) return;
  std::uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_, &ignored, sizeof ignored);
}

}  // namespace tailgate::pipeline
