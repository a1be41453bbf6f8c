// SPDX-License-Identifier: Apache-2.0
#include "app/dead_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/base64.h"
#include "base/handle.h"
#include "json/parse.h"

namespace tailgate::app {
namespace {

StoredLetter read_letter(json::Parser& parser, const std::string& line) {
  StoredLetter letter;
  letter.line = line;
  json::Arena arena;
  json::Event event(arena);
  const std::string padded = line + std::string(json::kPadding, '\0');
  if (!parser.parse({padded.data(), line.size()}, event).has_value()) {
    letter.torn = true;
    letter.reason = "torn: the process ended while writing it";
    return letter;
  }
  const auto text = [&](std::string_view name) -> std::string {
    const json::Member* member = event.root().find(name);
    if (member == nullptr || member->value.kind != json::Kind::string) return {};
    return std::string(json::text_of(member->value, arena));
  };
  letter.time = text("time");
  letter.source = text("source");
  letter.path = text("path");
  letter.gen = text("gen");
  if (const json::Member* offset = event.root().find("offset")) {
    const std::string_view digits = offset->value.raw;
    std::from_chars(digits.data(), digits.data() + digits.size(), letter.offset);
  }
  letter.sink = text("sink");
  letter.stage = text("stage");
  letter.reason = text("reason");
  letter.raw = text("raw");
  if (letter.raw.empty()) letter.raw = from_base64(text("raw_base64")).value_or("");
  if (const json::Member* member = event.root().find("event")) letter.event = member->value.raw;
  return letter;
}

}  // namespace

bool LetterChoice::takes(const StoredLetter& letter) const {
  return (reason.empty() || letter.reason.find(reason) != std::string::npos) &&
         (sink.empty() || letter.sink == sink) && (stage.empty() || letter.stage == stage);
}

Result<std::vector<std::string>> letter_files(const std::string& place) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (fs::is_regular_file(place, problem)) return std::vector<std::string>{place};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(place, problem)) {
    if (entry.path().extension() == ".ndjson") files.push_back(entry.path().string());
  }
  if (problem && problem != std::errc::no_such_file_or_directory) {
    return fail(fmt::format("{}: {}", place, problem.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<void> each_letter(const std::string& file,
                         const std::function<void(const StoredLetter&)>& visit) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(fmt::format("{}: {}", file, std::strerror(errno)));
  json::Parser parser;
  std::size_t lines = 0;
  bool holds_letters = false;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    const StoredLetter letter = read_letter(parser, line);
    ++lines;
    holds_letters = holds_letters || !letter.stage.empty();
    visit(letter);
  }
  // One line may be the torn first one; more of them are somebody's log, which nobody wants purged.
  if (lines > 1 && !holds_letters) return fail(fmt::format("{}: these are no dead letters", file));
  return {};
}

Result<LetterLock> LetterLock::take(const std::string& file) {
  // A running process holds it only while it writes; who has it for longer is another `dead` command.
  constexpr int kTries = 150;
  constexpr std::chrono::milliseconds kPause{20};
  for (int tries = 0; tries < kTries; ++tries) {
    LetterLock lock(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (lock.fd_ < 0) return fail(fmt::format("{}: {}", file, std::strerror(errno)));
    if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    // Whoever had it may have put another in its place.
    struct stat held {};
    struct stat named {};
    if (::fstat(lock.fd_, &held) == 0 && ::stat(file.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev)
      return lock;
  }
  return fail(fmt::format("{} is in the hands of another `tailgate dead`; its letters stay", file));
}

LetterLock::~LetterLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::uint64_t> drop_letters(const LetterLock& /*held*/, const std::string& file,
                                   const std::function<bool(const StoredLetter&)>& drop) {
  std::string kept;
  std::uint64_t dropped = 0;
  const auto read = each_letter(file, [&](const StoredLetter& letter) {
    if (drop(letter)) {
      ++dropped;
    } else {
      kept.append(letter.line).append("\n");
    }
  });
  if (!read.has_value()) return tl::unexpected<Error>(read.error());
  if (dropped == 0) return dropped;
  if (kept.empty()) {
    if (::unlink(file.c_str()) != 0)
      return fail(fmt::format("{}: cannot remove: {}", file, std::strerror(errno)));
    return dropped;
  }
  const std::string fresh = file + ".new";
  const Handle out(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const bool written = out.valid() && write_all(out.fd(), kept) && ::fsync(out.fd()) == 0;
  if (!written || ::rename(fresh.c_str(), file.c_str()) != 0) {
    const int why = errno;
    if (out.valid()) (void)::unlink(fresh.c_str());
    return fail(
        fmt::format("{}: cannot rewrite: {}; nothing was dropped", file, std::strerror(why)));
  }
  return dropped;
}

}  // namespace tailgate::app
