// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dead_letter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <vector>

#include "base/base64.h"
#include "base/credentials.h"
#include "json/diagnose.h"
#include "json/text.h"
#include "json/write.h"

namespace tailgate::pipeline {
namespace {

constexpr Bytes kPartBytes = Bytes{64} << 20;

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = json::utf8_length(text, at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

void member(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += fmt::format(",\"{}\":", name);
  json::write_string(text, out);
}

// Servers answer with JSON of any shape or with anything else; a letter is one line of JSON.
void answer_member(std::string& out, std::string_view answer) {
  constexpr std::size_t kDepth = 900;  // the letter must be readable again
  if (json::find_flaw(answer, kDepth)) return member(out, "answer", answer);
  out += ",\"answer\":";
  // Between the quotes of JSON there are no line ends.
  for (const char c : answer) out += c == '\n' || c == '\r' ? ' ' : c;
}

struct File {
  std::filesystem::path path;
  Bytes bytes = 0;
  std::filesystem::file_time_type changed;
};

std::vector<File> files_in(const std::string& folder) {
  std::vector<File> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".ndjson") continue;
    std::error_code gone;
    const Bytes size = entry.file_size(gone);
    if (gone) continue;
    files.push_back({entry.path(), size, entry.last_write_time(gone)});
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

}  // namespace

struct DeadLetters::Impl {
  const Clock& clock;
  Log log;
  std::string folder;  // empty: one file or stderr
  std::string file;
  Limits limits;
  std::mutex mutex;
  int fd = -1;
  Bytes part_bytes = 0;
  Bytes total = 0;
  std::string part;  // the file that is open, in a folder

  Impl(const Clock& use_clock, Log use_log) : clock(use_clock), log(std::move(use_log)) {}
  ~Impl() {
    if (fd > STDERR_FILENO) ::close(fd);
  }

  Result<void> open_file(const std::string& path) {
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
      return fail(fmt::format("dead letters: cannot open {}: {}; their lines wait", path,
                              std::strerror(errno)));
    }
    // `dead purge` and `dead replay` leave a file alone that somebody writes.
    (void)::flock(fd, LOCK_SH | LOCK_NB);
    struct stat about {};
    part_bytes = ::fstat(fd, &about) == 0 ? static_cast<Bytes>(about.st_size) : 0;
    return {};
  }

  Result<void> open_part() {
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    // A torn last line of an earlier crash must not swallow the first new one: each run starts a part of its own.
    std::string stamp = rfc3339(clock.wall());
    std::replace(stamp.begin(), stamp.end(), ':', '-');
    part = fmt::format("{}/{}-{}.ndjson", folder, stamp, ::getpid());
    auto opened = open_file(part);
    if (!opened.has_value()) return opened;
    const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
      ::fsync(dir);
      ::close(dir);
    }
    return {};
  }

  // Frees what is over age, and the oldest when full and told so.
  Result<void> make_room(Bytes wanted) {
    auto files = files_in(folder);
    total = 0;
    for (const File& one : files) total += one.bytes;
    const auto oldest_kept = std::filesystem::file_time_type::clock::now() - limits.max_age;
    for (const File& one : files) {
      const bool current = fd >= 0 && one.path == part;
      const bool too_old = limits.max_age.count() > 0 && one.changed < oldest_kept;
      const bool full = !limits.block_when_full && total + wanted > limits.max_bytes;
      if (current || !(too_old || full)) continue;
      std::error_code ignored;
      if (!std::filesystem::remove(one.path, ignored)) continue;
      total -= one.bytes;
      log.warn("dead letters: removed {} ({}), {}", one.path.string(), human_bytes(one.bytes),
               too_old ? "older than max_age" : "to make room");
    }
    if (total + wanted <= limits.max_bytes) return {};
    return fail(fmt::format(
        "dead letters: {} holds {} of at most {}; lines that need it wait until `tailgate dead "
        "purge` or a larger max_bytes makes room",
        folder, human_bytes(total), human_bytes(limits.max_bytes)));
  }

  Result<void> write_all(std::string_view lines) {
    struct stat about {};
    const bool is_file = fd > STDERR_FILENO && ::fstat(fd, &about) == 0;
    // Takes a torn or unsynced end back, so that a retry neither follows half a line nor repeats one.
    const auto failed = [&](std::string_view what, int why) {
      if (is_file && ::ftruncate(fd, about.st_size) != 0)
        log.warn("dead letters: a torn line stays in {}", folder.empty() ? file : part);
      return fail(
          fmt::format("dead letters: cannot {}: {}; their lines wait", what, std::strerror(why)));
    };
    std::string_view rest = lines;
    while (!rest.empty()) {
      const ssize_t wrote = ::write(fd, rest.data(), rest.size());
      if (wrote > 0) {
        rest.remove_prefix(static_cast<std::size_t>(wrote));
      } else if (errno != EINTR) {
        return failed("write", errno);
      }
    }
    if (fd > STDERR_FILENO && ::fsync(fd) != 0) {
      Result<void> result = failed("sync", errno);
      // What the kernel holds of it is not to be trusted: another file next time.
      ::close(fd);
      fd = -1;
      return result;
    }
    part_bytes += lines.size();
    total += lines.size();
    return {};
  }
};

DeadLetters::DeadLetters(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeadLetters::DeadLetters(DeadLetters&&) noexcept = default;
DeadLetters::~DeadLetters() = default;

DeadLetters DeadLetters::in_folder(std::string folder, Limits limits, const Clock& clock, Log log) {
  auto impl = std::make_unique<Impl>(clock, std::move(log));
  impl->folder = std::move(folder);
  impl->limits = limits;
  for (const File& one : files_in(impl->folder)) impl->total += one.bytes;
  return DeadLetters(std::move(impl));
}

DeadLetters DeadLetters::in_file(std::string file, const Clock& clock, Log log) {
  auto impl = std::make_unique<Impl>(clock, std::move(log));
  impl->file = std::move(file);
  return DeadLetters(std::move(impl));
}

DeadLetters DeadLetters::to_stderr(const Clock& clock, Log log) {
  auto impl = std::make_unique<Impl>(clock, std::move(log));
  impl->fd = STDERR_FILENO;
  return DeadLetters(std::move(impl));
}

Result<void> DeadLetters::prepare() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->file.empty() || impl_->fd >= 0) return {};
  return impl_->open_file(impl_->file);
}

std::string DeadLetters::line(const DeadLetter& letter) const {
  std::string out = fmt::format(R"({{"time":"{}")", rfc3339(impl_->clock.wall()));
  member(out, "source", letter.source);
  member(out, "path", letter.path);
  member(out, "gen", letter.gen);
  out += fmt::format(",\"offset\":{}", letter.offset);
  member(out, "sink", letter.sink);
  member(out, "stage", letter.stage);
  member(out, "reason", mask_credentials(letter.reason, Mask::secret));
  if (!letter.answer.empty()) answer_member(out, mask_credentials(letter.answer, Mask::secret));
  if (letter.attempts > 0) out += fmt::format(",\"attempts\":{}", letter.attempts);
  if (letter.length > 0) out += fmt::format(",\"length\":{}", letter.length);
  if (!letter.event.empty())
    out.append(",\"event\":").append(mask_credentials(letter.event, Mask::secret));
  if (!letter.raw.empty()) {
    if (letter.stage != "parse") {
      member(out, "raw", mask_credentials(letter.raw, Mask::secret));
    } else if (is_utf8(letter.raw)) {
      member(out, "raw", letter.raw);
    } else {
      member(out, "raw_base64", base64(letter.raw));
    }
  }
  out += "}\n";
  return out;
}

Result<void> DeadLetters::commit(std::string_view lines) {
  if (lines.empty()) return {};
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.mutex);
  if (!impl.folder.empty()) {
    if (impl.fd >= 0 && impl.part_bytes + lines.size() > kPartBytes) {
      ::close(impl.fd);
      impl.fd = -1;
    }
    if (impl.fd < 0 || impl.total + lines.size() > impl.limits.max_bytes) {
      auto room = impl.make_room(lines.size());
      if (!room.has_value()) return room;
    }
    if (impl.fd < 0) {
      auto opened = impl.open_part();
      if (!opened.has_value()) return opened;
    }
  } else if (impl.fd < 0) {
    auto opened = impl.open_file(impl.file);
    if (!opened.has_value()) return opened;
  }
  return impl.write_all(lines);
}

Bytes DeadLetters::bytes() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->total;
}

}  // namespace tailgate::pipeline
