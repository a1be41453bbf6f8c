// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tailgate {

/// Why something did not work: one sentence that says what, where, and (where it is known) what happens next.
struct Error {
  std::string what;
};

/// A value or the reason there is none. Stages return it; no exception crosses a stage's interface.
template <class T>
using Result = tl::expected<T, Error>;

/// `return fail("…")` in a function that returns Result<T>.
inline tl::unexpected<Error> fail(std::string what) {
  return tl::unexpected<Error>(Error{std::move(what)});
}

}  // namespace tailgate
