// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

namespace tailgate {

/// A thread in which every signal is blocked, so that signals reach the thread that handles them,
/// and a write to a closed connection is an error instead of SIGPIPE. `name`: at most 15
/// characters, shown by ps and gdb.
std::thread start_thread(const char* name, std::function<void()> body);

}  // namespace tailgate
