// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dead_letter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include "base/base64.h"
#include "base/credentials.h"
#include "base/handle.h"
#include "json/diagnose.h"
#include "json/text.h"
#include "json/write.h"
#include "pipeline/letter_file.h"

namespace tailgate::pipeline {
namespace {

constexpr Bytes kPartBytes = Bytes{64} << 20;
/// max_age looks at whole parts, so none grows for longer.
constexpr Millis kPartAge{24L * 3600 * 1000};
constexpr Millis kSweepPause{3600L * 1000};

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

// As much of `lines` as is written at once: whole letters within `limit`, and one at least.
std::string_view first_piece(std::string_view lines, Bytes limit) {
  if (lines.size() <= limit) return lines;
  std::size_t end = lines.rfind('\n', static_cast<std::size_t>(limit) - 1);
  if (end == std::string_view::npos) end = lines.find('\n');
  return lines.substr(0, end == std::string_view::npos ? end : end + 1);
}

// stderr's letters go nowhere else; a part of them that was written is not taken back.
Result<void> write_to_stderr(std::string_view lines) {
  if (write_all(STDERR_FILENO, lines)) return {};
  return fail(
      fmt::format("dead letters: cannot write: {}; their lines wait", std::strerror(errno)));
}

}  // namespace

struct DeadLetters::Impl {
  const Clock& clock;
  Log log;
  std::string folder;  // empty: one file or stderr
  std::string file;    // empty: a folder or stderr
  Limits limits;
  std::mutex mutex;
  LetterFile part;  // what is written to; not for stderr
  WallTime part_begun;
  std::optional<Tick> swept;
  Bytes total = 0;          // in the folder
  unsigned parts_made = 0;  // parts of one moment sort by it

  Impl(const Clock& use_clock, Log use_log) : clock(use_clock), log(std::move(use_log)) {}

  // Several parts lie within max_bytes, so that the oldest can go alone.
  [[nodiscard]] Bytes part_limit() const {
    return std::min(kPartBytes, std::max<Bytes>(limits.max_bytes / 8, 1));
  }

  void recount() {
    total = 0;
    for (const File& one : files_in(folder)) total += one.bytes;
  }

  Result<void> open_part() {
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    // A torn last line of an earlier crash must not swallow the first new one: each run starts a part of its own.
    std::string stamp = rfc3339(clock.wall());
    std::replace(stamp.begin(), stamp.end(), ':', '-');
    std::string path;
    do {
      path = fmt::format("{}/{}-{}-{:06}.ndjson", folder, stamp, ::getpid(), ++parts_made);
    } while (std::filesystem::exists(path, problem));
    auto opened = LetterFile::open(path, LetterFile::Existing::refuse);
    if (!opened.has_value())
      return fail(fmt::format("dead letters: {}; their lines wait", opened.error().what));
    part = std::move(*opened);
    part_begun = clock.wall();
    const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
      ::fsync(dir);
      ::close(dir);
    }
    return {};
  }

  // What is over age goes, once an hour.
  void sweep() {
    if (folder.empty() || limits.max_age.count() == 0) return;
    const Tick now = clock.now();
    if (swept && now - *swept < kSweepPause) return;
    swept = now;
    if (clock.wall() - part_begun > kPartAge) part.close();
    const auto oldest_kept = std::filesystem::file_time_type::clock::now() - limits.max_age;
    for (const File& one : files_in(folder)) {
      if (one.changed < oldest_kept && one.path != part.path()) remove(one, "older than max_age");
    }
  }

  bool remove(const File& one, std::string_view why) {
    std::error_code ignored;
    if (!std::filesystem::remove(one.path, ignored)) return false;
    total -= std::min(total, one.bytes);
    log.warn("dead letters: removed {} ({}), {}", one.path.string(), human_bytes(one.bytes), why);
    return true;
  }

  // Frees the oldest parts when told so.
  Result<void> make_room(Bytes wanted) {
    recount();  // others remove, too
    if (!limits.block_when_full) {
      for (const File& one : files_in(folder)) {
        if (total + wanted <= limits.max_bytes) break;
        if (one.path != part.path()) remove(one, "to make room");
      }
    }
    // A letter that is larger than all of them may be has the folder for itself: its room would never come.
    if (total + wanted <= limits.max_bytes || total == 0) return {};
    return fail(fmt::format(
        "dead letters: {} holds {} of at most {}; lines that need it wait until `tailgate dead "
        "purge` or a larger max_bytes makes room",
        folder, human_bytes(total), human_bytes(limits.max_bytes)));
  }

  Result<void> hold_part(Bytes wanted) {
    sweep();
    const bool full = part.bytes() > 0 && part.bytes() + wanted > part_limit();
    if (full || clock.wall() - part_begun > kPartAge) part.close();
    if (total + wanted > limits.max_bytes) {
      if (auto room = make_room(wanted); !room.has_value()) return room;
    }
    if (part.hold()) return {};
    // A `dead` command has it, or rewrote it: a part of its own again.
    recount();
    if (auto opened = open_part(); !opened.has_value()) return opened;
    (void)part.hold();
    return {};
  }

  // The part is held from here to the end of append().
  Result<void> write(std::string_view lines) {
    auto held = folder.empty() ? hold_file() : hold_part(lines.size());
    if (!held.has_value()) return held;
    auto written = part.append(lines);
    if (!written.has_value()) return fail("dead letters: " + written.error().what);
    total += lines.size();
    return {};
  }

  Result<void> hold_file() {
    if (part.hold()) return {};
    auto opened = LetterFile::open(file, LetterFile::Existing::append);
    if (!opened.has_value())
      return fail(fmt::format("dead letters: {}; their lines wait", opened.error().what));
    part = std::move(*opened);
    if (part.hold()) return {};
    return fail(
        fmt::format("dead letters: a `tailgate dead` command has {}; their lines wait", file));
  }
};

DeadLetters::DeadLetters(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeadLetters::DeadLetters(DeadLetters&&) noexcept = default;
DeadLetters::~DeadLetters() = default;

DeadLetters DeadLetters::in_folder(std::string folder, Limits limits, const Clock& clock, Log log) {
  auto impl = std::make_unique<Impl>(clock, std::move(log));
  impl->folder = std::move(folder);
  impl->limits = limits;
  impl->recount();
  return DeadLetters(std::move(impl));
}

DeadLetters DeadLetters::in_file(std::string file, const Clock& clock, Log log) {
  auto impl = std::make_unique<Impl>(clock, std::move(log));
  impl->file = std::move(file);
  return DeadLetters(std::move(impl));
}

DeadLetters DeadLetters::to_stderr(const Clock& clock, Log log) {
  return DeadLetters(std::make_unique<Impl>(clock, std::move(log)));
}

Result<void> DeadLetters::prepare() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->file.empty() || impl_->part.is_open()) return {};
  auto opened = LetterFile::open(impl_->file, LetterFile::Existing::append);
  if (!opened.has_value()) return tl::unexpected<Error>(opened.error());
  impl_->part = std::move(*opened);
  return {};
}

void DeadLetters::sweep() {
  const std::unique_lock lock(impl_->mutex, std::try_to_lock);
  if (lock.owns_lock()) impl_->sweep();
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

Result<void> DeadLetters::commit(std::string& lines) {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.mutex);
  // Only a folder has a limit.
  const Bytes at_once = impl.folder.empty() ? std::max<Bytes>(lines.size(), 1) : impl.part_limit();
  const bool to_stderr = impl.folder.empty() && impl.file.empty();
  std::string_view rest = lines;
  Result<void> done;
  while (!rest.empty() && done.has_value()) {
    const std::string_view piece = first_piece(rest, at_once);
    done = to_stderr ? write_to_stderr(piece) : impl.write(piece);
    if (done.has_value()) rest.remove_prefix(piece.size());
  }
  lines.erase(0, lines.size() - rest.size());
  return done;
}

Bytes DeadLetters::bytes() const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->folder.empty()) impl_->recount();  // `dead` commands remove letters, too
  return impl_->total;
}

}  // namespace tailgate::pipeline
