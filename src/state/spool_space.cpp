// SPDX-License-Identifier: Apache-2.0
// How spool.db gets along with the space there is: its limit, a full disk, rows that go.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "state/spool.h"

namespace tailgate::state {
namespace {

/// Pages of the tree that a row may need beside those of its bytes.
constexpr std::int64_t kPagesBeside = 4;
/// An empty file keeps so many.
constexpr std::int64_t kPagesKept = (std::int64_t{16} << 20) / Spool::kPageBytes;
/// The log may be so much longer than where it is taken in: what one row writes.
constexpr Bytes kLogSlack = Bytes{2} << 20;

}  // namespace

std::int64_t Spool::pages_for(std::uint64_t bytes) {
  return static_cast<std::int64_t>(bytes / kPageBytes) + kPagesBeside;
}

Result<void> Spool::check_room(std::uint64_t bytes) {
  if (log_is_long()) (void)with_ballast([] { return Result<void>{}; });
  auto used = database_.number("PRAGMA page_count");
  if (!used) return tl::unexpected<Error>(used.error());
  auto free = database_.number("PRAGMA freelist_count");
  if (!free) return tl::unexpected<Error>(free.error());
  const std::int64_t need = pages_for(bytes);
  if (*free + std::max<std::int64_t>(max_pages_ - *used, 0) < need) {
    trouble_ = Trouble::full;
    return fail(fmt::format("{}: what waits in it reaches spool.max_bytes ({})", database_.path(),
                            human_bytes(max_bytes_)));
  }
  ballast_.take();
  if (log_is_long() || (!ballast_.held() && *free < need)) {
    trouble_ = Trouble::full;
    return fail(fmt::format("{}: cannot write: the disk is full", database_.path()));
  }
  return {};
}

// It could not be taken into the file, for want of space.
bool Spool::log_is_long() const {
  struct stat about {};
  return ::stat((database_.path() + "-wal").c_str(), &about) == 0 &&
         static_cast<Bytes>(about.st_size) > log_bytes_ + kLogSlack;
}

// The ballast is as large as the log, so the log can be taken in and its space given back; then `work` has what the
// ballast held, and what it left in the log goes the same way.
template <class Work>
Result<void> Spool::with_ballast(Work work) {
  constexpr const char* kTakeIn = "PRAGMA wal_checkpoint(TRUNCATE)";
  ballast_.drop();
  (void)database_.run(kTakeIn);
  Result<void> done = work();
  const Trouble trouble = database_.trouble();
  (void)database_.run(kTakeIn);
  if (!done) database_.note(trouble);
  ballast_.take();
  return done;
}

void Spool::lend() {
  ballast_.drop();
  (void)database_.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<void> Spool::append(const SpoolInput& input, const SpoolRow& row, bool last_chance) {
  trouble_ = Trouble::none;
  if (last_chance) {
    ballast_.drop();
    (void)database_.run(
        fmt::format("PRAGMA max_page_count={}", max_pages_ + pages_for(row.bytes.size())));
  } else if (auto room = check_room(row.bytes.size()); !room) {
    return room;
  }
  Result<void> done = put(input, row);
  if (!done && database_.trouble() == Trouble::full) {
    done = with_ballast([&]() -> Result<void> {
      // Into pages that are free already: then the log alone grows, and it is emptied at once.
      auto free = database_.number("PRAGMA freelist_count");
      if (!free || (*free < pages_for(row.bytes.size()) && !last_chance)) return done;
      return put(input, row);
    });
  }
  trouble_ = done ? Trouble::none : database_.trouble();
  if (done) last_row_ = row.id;
  return done;
}

Result<void> Spool::release(std::int64_t input, std::uint64_t offset, bool whole) {
  auto last = last_settled_row(input, whole ? ~std::uint64_t{0} >> 1 : offset);
  Result<void> done;
  if (!last) {
    done = tl::unexpected<Error>(last.error());
  } else if (*last == 0 && !whole) {
    return {};
  } else {
    done = release_rows(input, *last, offset, whole);
    if (!done && database_.trouble() == Trouble::full)
      done = with_ballast([&] { return release_rows(input, *last, offset, whole); });
  }
  trouble_ = done ? Trouble::none : database_.trouble();
  return done;
}

Result<std::int64_t> Spool::last_settled_row(std::int64_t input, std::uint64_t offset) {
  auto rows = database_.prepare("SELECT id, offset + length FROM row WHERE input = ?1 ORDER BY id");
  if (!rows) return tl::unexpected<Error>(rows.error());
  rows->bind(1, input);
  for (std::int64_t last = 0;; last = rows->integer(0)) {
    auto row = rows->step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row || rows->number(1) > offset) return last;
  }
}

Result<void> Spool::release_rows(std::int64_t input, std::int64_t last, std::uint64_t offset,
                                 bool whole) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  auto rows = database_.prepare("DELETE FROM row WHERE input = ?1 AND id <= ?2");
  if (!rows) return tl::unexpected<Error>(rows.error());
  if (auto done = rows->bind(1, input).bind(2, last).run(); !done) return done;
  auto place = database_.prepare(whole ? "DELETE FROM input WHERE id = ?1"
                                       : "UPDATE input SET begin = ?2 WHERE id = ?1");
  if (!place) return tl::unexpected<Error>(place.error());
  place->bind(1, input);
  if (!whole) place->bind(2, offset);
  if (auto done = place->run(); !done) return done;
  return transaction->commit();
}

Result<Spool::Dropped> Spool::drop_oldest(std::int64_t id, std::uint64_t bytes) {
  auto range = oldest_lines(id, bytes);
  Result<void> done;
  if (!range) {
    done = tl::unexpected<Error>(range.error());
  } else if (range->last > 0) {
    auto rows = database_.prepare("DELETE FROM row WHERE id BETWEEN ?1 AND ?2");
    if (!rows) return tl::unexpected<Error>(rows.error());
    done = rows->bind(1, range->first).bind(2, range->last).run();
  }
  trouble_ = done ? Trouble::none : database_.trouble();
  if (!done) return tl::unexpected<Error>(done.error());
  return range->dropped;
}

// Rows that together are whole lines: from one that begins a line to one that ends a line.
Result<Spool::OldestLines> Spool::oldest_lines(std::int64_t id, std::uint64_t bytes) {
  OldestLines found;
  Dropped pending;  // of rows in which no line ends yet
  std::int64_t input = 0;
  bool whole = true;
  auto rows = database_.prepare(
      "SELECT id, input, length, lines, whole FROM row WHERE id >= ?1 ORDER BY id");
  if (!rows) return tl::unexpected<Error>(rows.error());
  rows->bind(1, id);
  const auto take = [&](std::int64_t last, std::uint64_t more_lines) {
    found.dropped.lines += pending.lines + more_lines;
    found.dropped.bytes += pending.bytes;
    found.last = last;
    pending = {};
  };
  while (found.dropped.bytes < bytes) {
    auto row = rows->step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) break;
    const std::int64_t at = rows->integer(0);
    const bool begins = whole || rows->integer(1) != input;
    if (begins && pending.bytes > 0) {
      take(at - 1, 1);  // the last line of an input that is over has no newline
      if (found.dropped.bytes >= bytes) break;
    }
    if (at > id && found.first == 0 && begins) found.first = at;
    input = rows->integer(1);
    whole = rows->integer(4) != 0;
    if (found.first == 0) continue;
    pending.lines += rows->number(3);
    pending.bytes += rows->number(2);
    if (whole) take(at, 0);
  }
  return found;
}

void Spool::shrink() {
  auto rows = database_.number("SELECT count(*) FROM (SELECT 1 FROM row LIMIT 1)");
  auto pages = database_.number("PRAGMA page_count");
  if (!rows || !pages || *rows > 0 || *pages < kPagesKept) return;
  if (database_.run("VACUUM")) (void)database_.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace tailgate::state
