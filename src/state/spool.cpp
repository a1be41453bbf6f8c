// SPDX-License-Identifier: Apache-2.0
#include "state/spool.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/checksum.h"

namespace tailgate::state {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
/// Bytes that are taken in from the log in one step, within a sixteenth of what there is.
constexpr Bytes kSmallestLog = Bytes{1} << 20;
constexpr Bytes kLargestLog = Bytes{32} << 20;
/// What the ballast holds beside room for the log: a row, twice.
constexpr Bytes kBallastBeside = Bytes{4} << 20;

// What orders and describes a row stands before its bytes, so that it can be read without them.
constexpr const char* kSchema = R"(
CREATE TABLE input (
  id INTEGER PRIMARY KEY,
  gen BLOB NOT NULL UNIQUE,
  source TEXT NOT NULL,
  identity TEXT NOT NULL,
  begin INTEGER NOT NULL,
  end INTEGER NOT NULL,
  ended INTEGER NOT NULL
);
CREATE TABLE row (
  id INTEGER PRIMARY KEY,
  input INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  length INTEGER NOT NULL,
  lines INTEGER NOT NULL,
  whole INTEGER NOT NULL,
  read_at INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
)";

std::string_view bytes_of(const Uuid& gen) {
  return {reinterpret_cast<const char*>(gen.bytes.data()), gen.bytes.size()};
}

Uuid gen_of(const std::string& bytes) {
  Uuid gen;
  std::copy_n(bytes.begin(), std::min(bytes.size(), gen.bytes.size()), gen.bytes.begin());
  return gen;
}

std::int64_t millis_of(WallTime time) {
  return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
}

std::uint32_t checksum_of(const SpoolRow& row) {
  const std::string place = fmt::format("{} {} {} {} {}", row.gen.text(), row.offset, row.length,
                                        row.lines, millis_of(row.read_at));
  return crc32(row.bytes, crc32(place));
}

Result<std::string> set_aside(const std::string& directory, const Clock& clock) {
  const std::string path = directory + "/spool.db";
  std::string time = rfc3339(clock.wall());
  std::erase_if(time, [](char c) { return c == ':' || c == '-'; });
  const std::string to = fmt::format("{}.corrupt-{}", path, time);
  if (std::rename(path.c_str(), to.c_str()) != 0) {
    return fail(fmt::format("{}: is damaged, and cannot be moved to {}: {}", path, to,
                            std::strerror(errno)));
  }
  // SQLite finds the log by the name of its file.
  (void)std::rename((path + "-wal").c_str(), (to + "-wal").c_str());
  return to;
}

}  // namespace

Spool::Spool(std::string directory, Bytes max_bytes, Bytes log_bytes, Database database)
    : directory_(std::move(directory)),
      max_bytes_(max_bytes),
      log_bytes_(log_bytes),
      database_(std::move(database)),
      ballast_(directory_, log_bytes + kBallastBeside),
      max_pages_(static_cast<std::int64_t>((max_bytes - log_bytes) / kPageBytes)) {}

Result<Spool::Opened> Spool::try_open(const std::string& directory, Bytes max_bytes,
                                      Trouble& trouble) {
  const Bytes most = std::min<Bytes>(max_bytes, disk_size(directory));
  const Bytes log = std::clamp(most / 16, kSmallestLog, kLargestLog);
  Database::Options options;
  options.path = directory + "/spool.db";
  options.page_bytes = kPageBytes;
  options.full_sync = true;
  options.cache_bytes = 2 << 20;
  options.wal_pages = static_cast<std::int64_t>(log / kPageBytes);
  options.max_pages = static_cast<std::int64_t>((max_bytes - log) / kPageBytes);
  options.if_damaged = "";
  auto log_state = repair_log(options.path + "-wal", kPageBytes);
  if (!log_state) return tl::unexpected<Error>(log_state.error());
  auto database = Database::open(options, &trouble);
  if (!database) return tl::unexpected<Error>(database.error());
  std::unique_ptr<Spool> spool(new Spool(directory, max_bytes, log, std::move(*database)));
  Result<void> done = spool->upgrade();
  for (auto [sql, into] : {std::pair{"SELECT max(id) FROM row", &spool->last_row_},
                           std::pair{"SELECT max(id) FROM input", &spool->last_input_}}) {
    if (!done) break;
    auto id = spool->database_.number(sql);
    if (id) {
      *into = *id;
    } else {
      done = tl::unexpected<Error>(id.error());
    }
  }
  Result<std::vector<SpoolInput>> inputs;
  if (done) inputs = spool->inputs();
  if (done && !inputs) done = tl::unexpected<Error>(inputs.error());
  trouble = done ? Trouble::none : spool->database_.trouble();
  if (!done) return tl::unexpected<Error>(done.error());
  (void)::chmod(options.path.c_str(), 0600);
  spool->ballast_.take();
  return Opened{std::move(spool), std::move(*inputs), {}, 0, *log_state};
}

Result<Spool::Opened> Spool::open(const std::string& directory, Bytes max_bytes,
                                  const Clock& clock) {
  Trouble trouble = Trouble::none;
  auto opened = try_open(directory, max_bytes, trouble);
  if (opened || trouble != Trouble::damaged) return opened;
  return open_anew(directory, max_bytes, clock);
}

Result<Spool::Opened> Spool::open_anew(const std::string& directory, Bytes max_bytes,
                                       const Clock& clock) {
  struct stat about {};
  (void)::stat((directory + "/spool.db").c_str(), &about);
  auto moved = set_aside(directory, clock);
  if (!moved) return tl::unexpected<Error>(moved.error());
  Trouble trouble = Trouble::none;
  auto opened = try_open(directory, max_bytes, trouble);
  if (!opened) return opened;
  opened->moved = std::move(*moved);
  opened->moved_bytes = static_cast<std::uint64_t>(about.st_size);
  return opened;
}

Result<void> Spool::upgrade() {
  auto version = database_.number("PRAGMA user_version");
  if (!version) return tl::unexpected<Error>(version.error());
  if (*version > kSchemaVersion) {
    return fail(fmt::format(
        "{}: was written by a newer version (schema {}, this one knows {}); run that version, or "
        "move the file away (what waits in it is then not sent)",
        database_.path(), *version, kSchemaVersion));
  }
  if (*version == kSchemaVersion) return {};
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  if (auto done = database_.run(kSchema); !done) return done;
  if (auto done = database_.run(fmt::format("PRAGMA user_version={}", kSchemaVersion)); !done) {
    return done;
  }
  return transaction->commit();
}

Result<std::vector<SpoolInput>> Spool::inputs() {
  auto rows = database_.prepare(
      "SELECT id, gen, source, identity, begin, end, ended FROM input ORDER BY id");
  if (!rows) return tl::unexpected<Error>(rows.error());
  std::vector<SpoolInput> inputs;
  for (;;) {
    auto row = rows->step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) break;
    inputs.push_back({rows->integer(0), gen_of(rows->bytes(1)), rows->bytes(2), rows->bytes(3),
                      rows->number(4), rows->number(5), rows->integer(6) != 0, false});
  }
  if (inputs.empty() || last_row_ == 0) return inputs;
  // The end of the last input is noted when another one follows; until then its last row tells.
  auto last = next(last_row_ - 1);
  if (!last) return tl::unexpected<Error>(last.error());
  SpoolInput& input = inputs.back();
  if (*last && (*last)->damaged) input.ended = true;  // where it ends is not known
  input.end = std::max(input.end, input.begin);
  if (*last && !(*last)->damaged && (*last)->input == input.id) {
    input.end = std::max(input.end, (*last)->offset + (*last)->length);
    input.line_open = !(*last)->bytes.ends_with('\n');
  }
  return inputs;
}

Result<std::optional<SpoolRow>> Spool::read(std::int64_t id, bool with_bytes) {
  auto row = database_.prepare(fmt::format(
      "SELECT r.id, r.input, i.gen, r.offset, r.length, r.lines, r.read_at, r.crc{} "
      "FROM row r LEFT JOIN input i ON i.id = r.input WHERE r.id > ?1 ORDER BY r.id LIMIT 1",
      with_bytes ? ", r.bytes" : ""));
  if (!row) return tl::unexpected<Error>(row.error());
  row->bind(1, id);
  auto found = row->step();
  if (!found) return tl::unexpected<Error>(found.error());
  if (!*found) return std::nullopt;
  SpoolRow result;
  result.id = row->integer(0);
  result.input = row->integer(1);
  result.gen = gen_of(row->bytes(2));
  result.offset = row->number(3);
  result.length = row->number(4);
  result.lines = row->number(5);
  result.read_at = WallTime{Millis{row->integer(6)}};
  if (with_bytes) result.bytes = row->bytes(8);
  result.damaged = !with_bytes || result.bytes.size() != result.length ||
                   row->integer(7) != static_cast<std::int64_t>(checksum_of(result));
  return result;
}

Result<std::optional<SpoolRow>> Spool::next(std::int64_t id) {
  auto row = read(id, true);
  // A row whose pages cannot be followed is one row that is lost; what can be told of it is told.
  if (!row && database_.trouble() == Trouble::damaged) row = read(id, false);
  if (!row) trouble_ = database_.trouble();
  return row;
}

Result<void> Spool::put(const SpoolInput& input, const SpoolRow& row) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  if (input.id > last_input_) {
    auto add = database_.prepare("INSERT INTO input VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)");
    if (!add) return tl::unexpected<Error>(add.error());
    add->bind(1, input.id).bind_blob(2, bytes_of(input.gen)).bind_text(3, input.source);
    add->bind_text(4, input.identity).bind(5, input.begin);
    if (auto done = add->run(); !done) return done;
    auto end = database_.prepare(
        "UPDATE input SET end = max(end, begin, coalesce((SELECT offset + length FROM row "
        "WHERE id = ?1 AND row.input = input.id), 0)) WHERE id = ?2");
    if (!end) return tl::unexpected<Error>(end.error());
    if (auto done = end->bind(1, last_row_).bind(2, last_input_).run(); !done) return done;
  }
  auto add = database_.prepare("INSERT INTO row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  if (!add) return tl::unexpected<Error>(add.error());
  SpoolRow place;
  place.gen = input.gen;
  place.offset = row.offset;
  place.length = row.bytes.size();
  place.lines = row.lines;
  place.read_at = row.read_at;
  const std::uint32_t checksum = crc32(row.bytes, checksum_of(place));
  add->bind(1, row.id).bind(2, input.id).bind(3, row.offset).bind(4, place.length);
  add->bind(5, row.lines).bind(6, std::int64_t{row.bytes.ends_with('\n') ? 1 : 0});
  add->bind(7, millis_of(row.read_at)).bind(8, std::int64_t{checksum});
  add->bind_blob_in_place(9, row.bytes);
  if (auto done = add->run(); !done) return done;
  auto done = transaction->commit();
  if (done) last_input_ = std::max(last_input_, input.id);
  return done;
}

Result<void> Spool::end(std::int64_t input, std::uint64_t offset) {
  auto note = database_.prepare("UPDATE input SET ended = 1, end = ?2 WHERE id = ?1");
  if (!note) return tl::unexpected<Error>(note.error());
  return note->bind(1, input).bind(2, offset).run();
}

}  // namespace tailgate::state
