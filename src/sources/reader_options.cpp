// SPDX-License-Identifier: Apache-2.0
// The options of what is read once: stdin, with or without a spool, and files from beginning to end.
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "sources/reader_source.h"
#include "sources/spooled_source.h"

namespace tailgate::sources {
namespace {

using settings::Option;
using settings::Section;
using settings::Type;

constexpr Option kMaxLine = {
    .name = "max_line_bytes",
    .type = Type::bytes,
    .default_text = "1MiB",
    .summary = "A longer line becomes a dead letter that names its place; reading goes on."};
constexpr Option kReadOptions[] = {
    {.name = "paths",
     .type = Type::text_or_list,
     .summary = "Files to read, in this order.",
     .required = true},
    kMaxLine,
};
constexpr Option kStdinOptions[] = {
    kMaxLine,
    {.name = "spool",
     .type = Type::any,
     .summary = "How what was read is kept on disk until every sink has settled it (`run` with a "
                "data_dir)."},
};
constexpr Option kSpoolOptions[] = {
    {.name = "max_bytes",
     .type = Type::bytes,
     .default_text = "1GiB",
     .summary = "The most that data_dir/spool takes of the disk; at least 16MiB and four times "
                "max_line_bytes. 0: no spool, so a crash "
                "loses what was in memory."},
    {.name = "when_full",
     .type = Type::choice,
     .default_text = "block",
     .summary = "At max_bytes, or on a full disk. block: stdin waits, and so does its writer. "
                "drop_newest, drop_oldest: whole lines are dropped, and counted as filtered with "
                "the reason spool_full.",
     .choices = "block|drop_newest|drop_oldest"},
};
constexpr SourceSection kStdinSections[] = {
    {"spool",
     "What was read from stdin is in data_dir/spool within 50 ms, and stays there until every "
     "sink has settled it: nothing is lost by kill -9 or a power cut.",
     kSpoolOptions}};

constexpr Bytes kSmallestSpool = Bytes{16} << 20;
/// So many of the longest lines must have room.
constexpr Bytes kLinesInSpool = 4;

std::optional<std::size_t> line_limit(const Section& options) {
  const Bytes line = options.bytes("max_line_bytes");
  if (line >= 1024 && line <= (Bytes{64} << 20)) return static_cast<std::size_t>(line);
  options.problem("max_line_bytes",
                  "must lie between 1KiB and 64MiB: such a line is held in memory");
  return std::nullopt;
}

std::unique_ptr<Source> make_stdin(const Section& options, SourceContext context) {
  const std::optional<std::size_t> line = line_limit(options);
  const Section spool(options.node("spool"), kSpoolOptions, options.problems());
  SpoolRules rules;
  rules.max_bytes = spool.bytes("max_bytes");
  const std::string when_full = spool.text("when_full");
  if (when_full == "drop_newest") rules.when_full = SpoolRules::WhenFull::drop_newest;
  if (when_full == "drop_oldest") rules.when_full = SpoolRules::WhenFull::drop_oldest;
  if (rules.max_bytes > 0 && rules.max_bytes < kSmallestSpool)
    spool.problem("max_bytes", "must be 0 or at least 16MiB");
  if (line) rules.max_line_bytes = *line;
  if (line && rules.max_bytes >= kSmallestSpool && rules.max_bytes < kLinesInSpool * *line)
    spool.problem("max_bytes", "must be 0 or at least four times max_line_bytes");
  if (options.given("spool") && context.data_dir.empty() && rules.max_bytes > 0)
    options.problems().warn(options.node("spool"),
                            "without a data_dir there is no spool: a crash "
                            "loses what was in memory");
  if (options.problems().any() || !line) return nullptr;
  if (context.store == nullptr || context.data_dir.empty() || rules.max_bytes == 0) {
    const std::uint64_t left =
        context.store == nullptr ? 0 : state::spooled_bytes(context.data_dir);
    if (left > 0)
      context.log.warn("{} wait in {}/spool and are not sent while spool.max_bytes is 0",
                       human_bytes(left), context.data_dir);
    return std::make_unique<ReaderSource>(std::vector<std::string>{}, *line, std::move(context));
  }
  auto opened = state::Spool::open(context.data_dir, rules.max_bytes, *context.clock);
  if (!opened) {
    options.problems().add(options.self(), opened.error().what);
    return nullptr;
  }
  return std::make_unique<SpooledSource>(STDIN_FILENO, *line, rules, std::move(*opened),
                                         std::move(context));
}

std::unique_ptr<Source> make_read(const Section& options, SourceContext context) {
  const std::optional<std::size_t> line = line_limit(options);
  std::vector<std::string> paths = options.texts("paths");
  if (paths.empty() || !line) return nullptr;
  return std::make_unique<ReaderSource>(std::move(paths), *line, std::move(context));
}

}  // namespace

SourceEntry stdin_source_entry() {
  return {"stdin",
          "Reads standard input to its end; gz by its magic number. Under `run` with a data_dir "
          "through a spool on disk.",
          kStdinOptions,
          false,
          make_stdin,
          kStdinSections,
          true};
}

SourceEntry read_source_entry() {
  return {"read", "Reads files once, from beginning to end, gz too; keeps no position.",
          kReadOptions, false, make_read};
}

}  // namespace tailgate::sources
