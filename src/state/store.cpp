// SPDX-License-Identifier: Apache-2.0
#include "state/store.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace tailgate::state {
namespace {

constexpr std::int64_t kSchemaVersion = 2;

constexpr const char* kSchema = R"(
CREATE TABLE generation (
  gen BLOB NOT NULL UNIQUE,
  source TEXT NOT NULL,
  path BLOB NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  head_len INTEGER NOT NULL,
  head_hash BLOB NOT NULL,
  tail_len INTEGER NOT NULL,
  tail_hash BLOB NOT NULL,
  orphaned INTEGER NOT NULL
);
CREATE TABLE position (
  gen BLOB NOT NULL,
  sink TEXT NOT NULL,
  offset INTEGER NOT NULL,
  ranges BLOB NOT NULL,
  PRIMARY KEY (gen, sink)
) WITHOUT ROWID;
)";

// Version 2: what became of the settled lines, in `position` while their generation is kept, then in `retired`. The
// first version had an empty table of totals.
constexpr const char* kTallies = R"(
DROP TABLE IF EXISTS total;
ALTER TABLE position ADD COLUMN tally BLOB NOT NULL DEFAULT x'';
CREATE TABLE retired (
  source TEXT NOT NULL,
  sink TEXT NOT NULL,
  tally BLOB NOT NULL,
  PRIMARY KEY (source, sink)
) WITHOUT ROWID;
)";

void put_varint(std::uint64_t number, std::string& out) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

bool take_varint(std::string_view& bytes, std::uint64_t& number) {
  number = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

std::string encode_tally(const Tally& tally) {
  std::string out;
  for (const std::uint64_t count : tally) put_varint(count, out);
  return out;
}

// Kinds of a later version are left out, those that an earlier one did not know are 0.
Tally decode_tally(std::string_view bytes) {
  Tally tally{};
  for (std::uint64_t& count : tally) {
    if (!take_varint(bytes, count)) break;
  }
  return tally;
}

void add(Tally& to, const Tally& more) {
  for (std::size_t kind = 0; kind < to.size(); ++kind) to[kind] += more[kind];
}

std::string_view bytes_of(const Uuid& gen) {
  return {reinterpret_cast<const char*>(gen.bytes.data()), gen.bytes.size()};
}

Uuid gen_of(const std::string& bytes) {
  Uuid gen;
  std::copy_n(bytes.begin(), std::min(bytes.size(), gen.bytes.size()), gen.bytes.begin());
  return gen;
}

Checkpoint read_row(const Statement& row, const std::string& source) {
  Checkpoint record;
  record.gen = gen_of(row.bytes(0));
  record.source = source;
  record.path = row.bytes(1);
  record.device = row.number(2);
  record.inode = row.number(3);
  record.size = row.number(4);
  record.fingerprint = {row.number(5), row.number(6), row.bytes(7), row.number(8), row.bytes(9)};
  record.orphaned = row.integer(10) != 0;
  return record;
}

}  // namespace

std::string encode_ranges(const SinkPosition& position, std::size_t limit) {
  std::string out;
  std::uint64_t at = position.offset;
  for (const auto& [begin, end] : position.above) {
    const std::size_t before = out.size();
    put_varint(begin - at, out);
    put_varint(end - begin, out);
    if (out.size() > limit) {
      out.resize(before);
      break;
    }
    at = end;
  }
  return out;
}

bool ranges_full(const SinkPosition& position) {
  constexpr std::size_t kLongestRange = 20;
  return encode_ranges(position, 2 * kMaxRangeBytes).size() + kLongestRange > kMaxRangeBytes;
}

SinkPosition decode_ranges(std::uint64_t offset, std::string_view bytes) {
  SinkPosition position;
  position.offset = offset;
  std::uint64_t at = offset;
  std::uint64_t gap = 0;
  std::uint64_t length = 0;
  while (take_varint(bytes, gap) && take_varint(bytes, length)) {
    const std::uint64_t begin = at + gap;
    if (begin < at || begin + length < begin) break;
    at = begin + length;
    position.above.emplace_back(begin, at);
  }
  return position;
}

Store::Store(DirectoryLock lock, Database database)
    : lock_(std::move(lock)), database_(std::move(database)) {}

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
  if (auto made = make_directory(options.directory); !made) {
    return tl::unexpected<Error>(made.error());
  }
  if (!options.allow_network) {
    if (auto local = require_local(options.directory); !local) {
      return tl::unexpected<Error>(local.error());
    }
  }
  auto lock = DirectoryLock::take(options.directory, options.grace, options.waiting);
  if (!lock) return tl::unexpected<Error>(lock.error());
  const std::string path = options.directory + "/state.db";
  auto database = Database::open(
      {.path = path,
       .if_damaged = "move it away to start anew (files are then read from start_at)"});
  if (!database) return tl::unexpected<Error>(database.error());
  std::unique_ptr<Store> store(new Store(std::move(*lock), std::move(*database)));
  if (auto upgraded = store->upgrade(); !upgraded) {
    return tl::unexpected<Error>(upgraded.error());
  }
  // It names the paths and settled offsets of logs; nobody else needs it. Best effort: the
  // directory is closed anyway.
  (void)chmod(path.c_str(), 0600);
  return store;
}

Result<void> Store::upgrade() {
  auto found = database_.number("PRAGMA user_version");
  if (!found) return tl::unexpected<Error>(found.error());
  const std::int64_t version = *found;
  if (version > kSchemaVersion) {
    return fail(fmt::format(
        "{}: was written by a newer version (schema {}, this one knows {}); run that version, or "
        "move the file away to start anew (files are then read from start_at)",
        database_.path(), version, kSchemaVersion));
  }
  if (version == kSchemaVersion) return {};
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  // Each later version adds a step here; a database passes through all that it lacks.
  if (version < 1) {
    if (auto done = database_.run(kSchema); !done) return done;
  }
  if (version < 2) {
    if (auto done = database_.run(kTallies); !done) return done;
  }
  if (auto done = database_.run(fmt::format("PRAGMA user_version={}", kSchemaVersion)); !done) {
    return done;
  }
  return transaction->commit();
}

Result<std::vector<Checkpoint>> Store::load(const std::string& source) {
  auto rows = database_.prepare(
      "SELECT gen, path, device, inode, size, offset, head_len, head_hash, tail_len, tail_hash, "
      "orphaned FROM generation WHERE source = ?1 ORDER BY rowid");
  if (!rows) return tl::unexpected<Error>(rows.error());
  auto positions = database_.prepare(
      "SELECT sink, offset, ranges, tally FROM position WHERE gen = ?1 ORDER BY sink");
  if (!positions) return tl::unexpected<Error>(positions.error());

  std::vector<Checkpoint> records;
  rows->bind_text(1, source);
  for (;;) {
    auto row = rows->step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) return records;
    Checkpoint record = read_row(*rows, source);
    positions->bind_blob(1, bytes_of(record.gen));
    for (;;) {
      auto position = positions->step();
      if (!position) return tl::unexpected<Error>(position.error());
      if (!*position) break;
      SinkPosition decoded = decode_ranges(positions->number(1), positions->bytes(2));
      decoded.tally = decode_tally(positions->bytes(3));
      record.positions.emplace_back(positions->bytes(0), std::move(decoded));
    }
    positions->reset();
    records.push_back(std::move(record));
  }
}

Result<void> Store::put(const Checkpoint& record) {
  auto row = database_.prepare(
      "INSERT INTO generation (gen, source, path, device, inode, size, offset, head_len, "
      "head_hash, tail_len, tail_hash, orphaned) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12) "
      "ON CONFLICT (gen) DO UPDATE SET source=?2, path=?3, device=?4, inode=?5, size=?6, "
      "offset=?7, "
      "head_len=?8, head_hash=?9, tail_len=?10, tail_hash=?11, orphaned=?12");
  if (!row) return tl::unexpected<Error>(row.error());
  const Fingerprint& print = record.fingerprint;
  row->bind_blob(1, bytes_of(record.gen)).bind_text(2, record.source).bind_blob(3, record.path);
  row->bind(4, record.device).bind(5, record.inode).bind(6, record.size);
  row->bind(7, print.offset).bind(8, print.head_len).bind_blob(9, print.head_hash);
  row->bind(10, print.tail_len).bind_blob(11, print.tail_hash);
  row->bind(12, std::int64_t{record.orphaned ? 1 : 0});
  if (auto done = row->run(); !done) return done;

  auto clear = database_.prepare("DELETE FROM position WHERE gen = ?1");
  if (!clear) return tl::unexpected<Error>(clear.error());
  if (auto done = clear->bind_blob(1, bytes_of(record.gen)).run(); !done) return done;
  auto add = database_.prepare("INSERT INTO position VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!add) return tl::unexpected<Error>(add.error());
  for (const auto& [sink, position] : record.positions) {
    add->bind_blob(1, bytes_of(record.gen)).bind_text(2, sink).bind(3, position.offset);
    add->bind_blob(4, encode_ranges(position)).bind_blob(5, encode_tally(position.tally));
    if (auto done = add->run(); !done) return done;
  }
  return {};
}

Result<void> Store::retire(const Uuid& gen) {
  auto live = database_.prepare(
      "SELECT g.source, p.sink, p.tally, r.tally FROM position p JOIN generation g USING (gen) "
      "LEFT JOIN retired r ON r.source = g.source AND r.sink = p.sink WHERE p.gen = ?1");
  if (!live) return tl::unexpected<Error>(live.error());
  auto put = database_.prepare("INSERT OR REPLACE INTO retired VALUES (?1, ?2, ?3)");
  if (!put) return tl::unexpected<Error>(put.error());
  live->bind_blob(1, bytes_of(gen));
  for (;;) {
    auto row = live->step();
    if (!row) return tl::unexpected<Error>(row.error());
    if (!*row) return {};
    Tally sum = decode_tally(live->bytes(2));
    add(sum, decode_tally(live->bytes(3)));
    put->bind_text(1, live->bytes(0)).bind_text(2, live->bytes(1)).bind_blob(3, encode_tally(sum));
    if (auto done = put->run(); !done) return done;
  }
}

Result<void> Store::save(std::span<const Checkpoint> records, std::span<const Uuid> forgotten) {
  auto transaction = Transaction::begin(database_);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  for (const Checkpoint& record : records) {
    if (auto done = put(record); !done) return done;
  }
  for (const Uuid& gen : forgotten) {
    if (auto done = retire(gen); !done) return done;
    for (const char* table : {"generation", "position"}) {
      auto row = database_.prepare(fmt::format("DELETE FROM {} WHERE gen = ?1", table));
      if (!row) return tl::unexpected<Error>(row.error());
      if (auto done = row->bind_blob(1, bytes_of(gen)).run(); !done) return done;
    }
  }
  return transaction->commit();
}

Result<std::map<std::string, Tally>> Store::totals(const std::string& source) {
  std::map<std::string, Tally> totals;
  for (const char* query :
       {"SELECT p.sink, p.tally FROM position p JOIN generation g USING (gen) WHERE g.source = ?1",
        "SELECT sink, tally FROM retired WHERE source = ?1"}) {
    auto rows = database_.prepare(query);
    if (!rows) return tl::unexpected<Error>(rows.error());
    rows->bind_text(1, source);
    for (;;) {
      auto row = rows->step();
      if (!row) return tl::unexpected<Error>(row.error());
      if (!*row) break;
      add(totals[rows->bytes(0)], decode_tally(rows->bytes(1)));
    }
  }
  return totals;
}

}  // namespace tailgate::state
