// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"

namespace tailgate {
namespace {

spdlog::level::level_enum to_spdlog(Log::Level level) {
  switch (level) {
    case Log::Level::debug:
      return spdlog::level::debug;
    case Log::Level::info:
      return spdlog::level::info;
    case Log::Level::warn:
      return spdlog::level::warn;
    case Log::Level::error:
      return spdlog::level::err;
    case Log::Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::string_view name_of(Log::Level level) {
  switch (level) {
    case Log::Level::debug:
      return "debug";
    case Log::Level::info:
      return "info";
    case Log::Level::warn:
      return "warning";
    case Log::Level::error:
      return "error";
    case Log::Level::off:
      return "off";
  }
  return "off";
}

// Enough of RFC 8259 §7 for our own sentences; base ranks below json.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

struct Log::Impl {
  std::shared_ptr<spdlog::logger> logger;
  Style style = Style::human;
  Level level = Level::info;
};

Log Log::to_stderr(Style style, Level level) {
  Log log;
  log.impl_ = std::make_shared<Impl>();
  log.impl_->style = style;
  log.impl_->level = level;
  if (style == Style::human) {
    log.impl_->logger = std::make_shared<spdlog::logger>(
        "tailgate", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    log.impl_->logger->set_pattern("%H:%M:%S %^%l%$ %v");
  } else {
    log.impl_->logger = std::make_shared<spdlog::logger>(
        "tailgate", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    log.impl_->logger->set_pattern("%v");
  }
  log.impl_->logger->set_level(to_spdlog(level));
  log.impl_->logger->flush_on(spdlog::level::debug);
  return log;
}

Log Log::named(std::string_view component) const {
  Log log = *this;
  log.component_ = component;
  return log;
}

bool Log::wants(Level level) const {
  return impl_ != nullptr && level >= impl_->level;
}

void Log::write(Level level, const std::string& text) const {
  if (impl_->style == Style::human) {
    const std::string prefix = component_.empty() ? "" : component_ + ": ";
    impl_->logger->log(to_spdlog(level), "{}{}", prefix, text);
    return;
  }
  std::string line = fmt::format(R"({{"time":"{}","level":"{}")",
                                 rfc3339(std::chrono::system_clock::now()), name_of(level));
  if (!component_.empty()) line += fmt::format(R"(,"component":{})", in_quotes(component_));
  line += fmt::format(R"(,"message":{}}})", in_quotes(text));
  impl_->logger->log(to_spdlog(level), "{}", line);
}

}  // namespace tailgate
