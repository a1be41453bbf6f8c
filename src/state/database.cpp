// SPDX-License-Identifier: Apache-2.0
#include "state/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tailgate::state {

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      path_(std::move(other.path_)),
      if_damaged_(other.if_damaged_),
      lacks_space_(other.lacks_space_) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  std::swap(if_damaged_, other.if_damaged_);
  std::swap(lacks_space_, other.lacks_space_);
  return *this;
}

Database::~Database() {
  if (handle_ != nullptr) sqlite3_close(handle_);
}

Error Database::error(std::string_view doing) {
  const int code = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(handle_);
  std::string why = handle_ == nullptr ? "out of memory" : sqlite3_errmsg(handle_);
  int system = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN)
    system = 0;  // an older one
  lacks_space_ = code == SQLITE_FULL || system == ENOSPC || system == EDQUOT;
  if (lacks_space_) {
    why = "the disk is full";
  } else if (code == SQLITE_READONLY) {
    why = "the file or its directory is read-only";
  } else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    why += fmt::format("; the file is damaged{}{}", if_damaged_.empty() ? "" : ": ", if_damaged_);
  } else if (system != 0) {
    why += fmt::format(" ({})", std::strerror(system));
  }
  return Error{fmt::format("{}: {}: {}", path_, doing, why)};
}

Result<Database> Database::open(const Options& options) {
  Database database;
  database.path_ = options.path;
  database.if_damaged_ = options.if_damaged;
  // SQLite's log has the mode of the database, and both hold what was logged. What fails here fails again below.
  if (const int made = ::open(options.path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
      made >= 0)
    ::close(made);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(options.path.c_str(), &database.handle_, flags, nullptr) != SQLITE_OK)
    return tl::unexpected<Error>(database.error("cannot open"));
  sqlite3_extended_result_codes(database.handle_, 0);
  const Result<void> done = database.run(
      "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
      "PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF;"
      "PRAGMA cache_size=-256; PRAGMA wal_autocheckpoint=1000; PRAGMA journal_size_limit=4096000;");
  if (!done) return tl::unexpected<Error>(done.error());
  return database;
}

Result<void> Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected<Error>(error("cannot write"));
  }
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) !=
      SQLITE_OK) {
    return tl::unexpected<Error>(error("cannot read"));
  }
  return Statement(*this, statement);
}

void Database::roll_back() {
  // After some errors it is undone already.
  if (sqlite3_get_autocommit(handle_) == 0)
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<std::int64_t> Database::number(std::string_view sql) {
  auto query = prepare(sql);
  if (!query) return tl::unexpected<Error>(query.error());
  auto row = query->step();
  if (!row) return tl::unexpected<Error>(row.error());
  return query->integer(0);
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(database_, other.database_);
  std::swap(handle_, other.handle_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(handle_);
}

Statement& Statement::bind(int at, std::int64_t number) {
  sqlite3_bind_int64(handle_, at, number);
  return *this;
}

Statement& Statement::bind_text(int at, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text(handle_, at, data, static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_blob(int at, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob(handle_, at, data, static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(handle_)) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return tl::unexpected<Error>(
          database_->error(sqlite3_stmt_readonly(handle_) != 0 ? "cannot read" : "cannot write"));
  }
}

Result<void> Statement::run() {
  Result<bool> row = step();
  while (row && *row) row = step();
  reset();
  if (!row) return tl::unexpected<Error>(row.error());
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Result<Transaction> Transaction::begin(Database& database) {
  const Result<void> begun = database.run("BEGIN IMMEDIATE");
  if (!begun) return tl::unexpected<Error>(begun.error());
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  if (database_ != nullptr) database_->roll_back();
}

Result<void> Transaction::commit() {
  Result<void> done = database_->run("COMMIT");
  if (done) database_ = nullptr;
  return done;
}

}  // namespace tailgate::state
