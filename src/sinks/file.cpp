// SPDX-License-Identifier: Apache-2.0
#include "sinks/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file_system.h"
#include "json/diagnose.h"
#include "sinks/registry.h"

namespace tailgate::sinks {
namespace {

Outcome trouble(std::string what) {
  Outcome out;
  out.kind = Outcome::Kind::endpoint_trouble;
  out.reason = std::move(what);
  return out;
}

/// The folder a path lies in.
std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FileSink::FileSink(std::string path, bool sync)
    : path_(std::move(path)),
      sync_(sync),
      remote_(is_remote(::access(path_.c_str(), F_OK) == 0 ? path_ : folder_of(path_))) {}

FileSink::~FileSink() {
  close();
}

void FileSink::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<void> FileSink::open() {
  struct stat at_path {};
  struct stat ours {};
  if (fd_ >= 0) {
    const bool same = ::stat(path_.c_str(), &at_path) == 0 && ::fstat(fd_, &ours) == 0 &&
                      at_path.st_dev == ours.st_dev && at_path.st_ino == ours.st_ino;
    if (same) return {};
    close();  // rotated away or deleted
  }
  constexpr mode_t kOwnerAndGroup = 0640;
  // Not blocking: opening a pipe without a reader would wait for one.
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
               kOwnerAndGroup);
  if (fd_ < 0) return fail("cannot open " + path_ + ": " + std::strerror(errno));
  if (::fstat(fd_, &ours) == 0 && S_ISFIFO(ours.st_mode)) {
    close();
    return fail(path_ + " is a pipe; write to it by the sink `stdout`");
  }
  return mend();
}

// What a process that was killed in the midst of a write has left must not begin our first line: half of an event is
// taken back, as it will be written again whole; anything else without a line end gets one.
Result<void> FileSink::mend() {
  struct stat found {};
  if (mended_ || ::fstat(fd_, &found) != 0 || !S_ISREG(found.st_mode)) return {};
  mended_ = true;
  constexpr off_t kStep = 64 << 10;
  std::string tail;
  off_t begin = found.st_size;
  // Opened to append; reading needs a descriptor of its own.
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  while (fd >= 0 && begin > 0 && tail.find('\n') == std::string::npos) {
    const off_t from = std::max<off_t>(begin - kStep, 0);
    std::string piece(static_cast<std::size_t>(begin - from), '\0');
    if (::pread(fd, piece.data(), piece.size(), from) != static_cast<ssize_t>(piece.size())) break;
    tail.insert(0, piece);
    begin = from;
    if (tail.back() == '\n') break;
  }
  if (fd >= 0) ::close(fd);
  const std::size_t newline = tail.rfind('\n');
  tail.erase(0, newline == std::string::npos ? 0 : newline + 1);
  if (tail.empty()) return {};
  constexpr std::size_t kDepth = 1000;
  const bool torn = tail.front() == '{' && json::find_flaw(tail, kDepth).has_value();
  if (torn && ::ftruncate(fd_, found.st_size - static_cast<off_t>(tail.size())) == 0) return {};
  return append("\n");
}

Result<void> FileSink::append(std::string_view text) {
  struct stat before {};
  const bool regular = ::fstat(fd_, &before) == 0 && S_ISREG(before.st_mode);
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(fd_, text.data() + written, text.size() - written);
    if (n >= 0) {
      written += static_cast<std::size_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    const int error = errno;
    // Takes the part back, so that the next attempt does not begin in the middle of a line. Not
    // where somebody else wrote too.
    struct stat after {};
    if (regular && written > 0 && ::fstat(fd_, &after) == 0 &&
        after.st_size == before.st_size + static_cast<off_t>(written)) {
      [[maybe_unused]] const int result = ::ftruncate(fd_, before.st_size);
    }
    return fail("cannot write to " + path_ + ": " + std::strerror(error));
  }
  if (sync_ && regular && ::fdatasync(fd_) != 0) {
    return fail("cannot sync " + path_ + ": " + std::strerror(errno));
  }
  return {};
}

void FileSink::send(const Batch& batch, Done done) {
  Result<void> result = open();
  if (result) result = append(batch.wire());
  if (!result) return done(trouble(result.error().what));
  Outcome taken;
  taken.kind = Outcome::Kind::answered;
  done(std::move(taken));
}

namespace {

std::string wrong_with(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return path + " is a folder; name a file in it";
    if (S_ISFIFO(found.st_mode)) return path + " is a pipe; write to it by the sink `stdout`";
    if (::access(path.c_str(), W_OK) == 0) return {};
    return "cannot write to " + path + ": " + std::strerror(errno);
  }
  const std::string folder = folder_of(path);
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return "cannot create " + path + ": " + folder + ": " + std::strerror(errno);
}

std::unique_ptr<Sink> make(const settings::Section& options, SinkContext /*context*/) {
  const std::string path = options.text("path");
  if (path.empty()) return nullptr;  // said already: it is required
  const std::string wrong = wrong_with(path);
  if (!wrong.empty()) {
    options.problem("path", wrong);
    return nullptr;
  }
  return std::make_unique<FileSink>(path, options.flag("sync"));
}

std::string probe(const settings::Section& options, SinkContext /*context*/) {
  return wrong_with(options.text("path"));
}

constexpr std::array kOptions{
    settings::Option{
        .name = "path",
        .summary = "The file; made with mode 0640, appended to, opened anew when rotated.",
        .required = true},
    settings::Option{.name = "sync",
                     .type = settings::Type::boolean,
                     .default_text = "false",
                     .summary = "Whether each batch is on disk before it counts as delivered."},
};

}  // namespace

extern const SinkEntry file_sink;
constinit const SinkEntry file_sink{
    .type = "file",
    .summary = "A file, one event per line.",
    .options = kOptions,
    .traits = {.codec = "ndjson", .network = false},
    .make = make,
    .probe = probe,
};

}  // namespace tailgate::sinks
