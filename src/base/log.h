// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

namespace tailgate {

/// Says what happens, on stderr: lines for people on a terminal, JSON lines otherwise. Handed to whoever needs it; cheap
/// to copy; thread-safe. `component` says who speaks (`sink gateway`). Never hand it a secret.
class Log {
 public:
  enum class Level { debug, info, warn, error, off };
  enum class Style { human, json };

  /// Discards everything.
  Log() = default;
  static Log to_stderr(Style style, Level level);
  [[nodiscard]] Log named(std::string_view component) const;

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    if (wants(Level::debug)) write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    if (wants(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    if (wants(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    if (wants(Level::error)) write(Level::error, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  struct Impl;
  [[nodiscard]] bool wants(Level level) const;
  void write(Level level, const std::string& text) const;
  std::shared_ptr<Impl> impl_;
  std::string component_;
};

}  // namespace tailgate
