// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "sources/file_source.h"

namespace tailgate::sources {
namespace {

using settings::Option;
using settings::Type;

constexpr Option kOptions[] = {
    {.name = "paths",
     .type = Type::text_or_list,
     .summary =
         "Files to read: paths or patterns with * ? [ ] and {a,b}; directories may come later.",
     .required = true},
    {.name = "exclude",
     .type = Type::text_or_list,
     .summary =
         "Patterns of files not to read; one without a slash is compared with the name alone."},
    {.name = "start_at",
     .type = Type::choice,
     .default_text = "beginning",
     .summary = "Where to begin in a file that is there at the very first start.",
     .choices = "beginning|end"},
    {.name = "max_line_bytes",
     .type = Type::bytes,
     .default_text = "1MiB",
     .summary = "A longer line becomes a dead letter that names its place; reading goes on."},
    {.name = "rotated",
     .type = Type::any,
     .summary = "Limits for files that are held open though they were rotated away."},
    {.name = "reclaim",
     .type = Type::choice,
     .default_text = "none",
     .summary = "Frees the disk space of what every sink has settled: punch_hole inside the files "
                "(they keep "
                "their size; not together with copytruncate), delete_rotated whole files that were "
                "rotated away.",
     .choices = "none|punch_hole|delete_rotated"},
    {.name = "max_backlog",
     .type = Type::bytes,
     .default_text = "0",
     .summary = "Bytes that may wait in the files, read or not; 0 is no limit."},
    {.name = "when_backlog_full",
     .type = Type::choice,
     .default_text = "block",
     .summary =
         "What happens beyond max_backlog: they wait and it is said, or the oldest lines not yet "
         "read are dropped and counted as lost.",
     .choices = "block|drop_oldest"},
};

constexpr Option kRotatedOptions[] = {
    {.name = "max_files", .type = Type::integer, .default_text = "64", .summary = "How many."},
    {.name = "max_bytes",
     .type = Type::bytes,
     .default_text = "10GiB",
     .summary = "Unread bytes in them."},
    {.name = "when_exceeded",
     .type = Type::choice,
     .default_text = "drop_oldest",
     .summary = "What happens beyond.",
     .choices = "drop_oldest"},
};

constexpr SourceSection kSections[] = {
    {"rotated",
     "Limits for files that are held open though they were rotated away; what is dropped is "
     "counted as lost.",
     kRotatedOptions}};

constexpr Bytes kSmallestLine = 1024;
constexpr Bytes kLargestLine = Bytes{64} << 20;

std::unique_ptr<Source> make(const settings::Section& options, SourceContext context) {
  FileSettings settings;
  settings.paths = options.texts("paths");
  settings.exclude = options.texts("exclude");
  settings.start_at_end = options.text("start_at") == "end";
  const Bytes line = options.bytes("max_line_bytes");
  if (line < kSmallestLine || line > kLargestLine) {
    options.problem("max_line_bytes",
                    "must lie between 1KiB and 64MiB: such a line is held in memory");
  }
  settings.max_line_bytes = static_cast<std::size_t>(line);
  const settings::Section rotated(options.node("rotated"), kRotatedOptions, options.problems());
  const std::int64_t files = rotated.integer("max_files");
  if (files < 1) rotated.problem("max_files", "must be at least 1");
  settings.rotated_max_files = static_cast<std::size_t>(files);
  settings.rotated_max_bytes = rotated.bytes("max_bytes");
  if (options.text("reclaim") == "punch_hole") settings.reclaim = Reclaim::punch_hole;
  if (options.text("reclaim") == "delete_rotated") settings.reclaim = Reclaim::delete_rotated;
  settings.max_backlog = options.bytes("max_backlog");
  settings.drop_backlog = options.text("when_backlog_full") == "drop_oldest";
  if (options.problems().any()) return nullptr;
  return std::make_unique<FileSource>(std::move(settings), std::move(context));
}

}  // namespace

SourceEntry file_source_entry() {
  return {"file",   "Follows files through rotation, truncation and restarts.",
          kOptions, true,
          make,     kSections};
}

}  // namespace tailgate::sources
