// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tailgate::state {

class Statement;

/// One SQLite database in WAL mode and exclusive locking: no shared memory, so it works wherever files do. What is
/// committed survives kill -9; a power cut may take the last commits (synchronous=NORMAL). Never throws: every error says
/// the file and what SQLite and the system say. One thread at a time.
class Database {
 public:
  struct Options {
    std::string path;
    std::string_view if_damaged = "move it away to start anew";  // what the error says to do then
  };

  Database() = default;
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();

  static Result<Database> open(const Options& options);

  /// Runs one or several statements that return no rows.
  Result<void> run(const std::string& sql);
  /// The statement must not outlive the database.
  Result<Statement> prepare(std::string_view sql);
  /// Undoes the transaction, if there is one.
  void roll_back();
  /// What a statement that returns one number says.
  Result<std::int64_t> number(std::string_view sql);
  /// Says what went wrong last.
  [[nodiscard]] Error error(std::string_view doing);
  /// The last error() was for want of space.
  [[nodiscard]] bool lacks_space() const { return lacks_space_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  sqlite3* handle_ = nullptr;
  std::string path_;
  std::string_view if_damaged_;
  bool lacks_space_ = false;
};

/// A prepared statement. Bind by 1-based position, read columns by 0-based position, as SQLite
/// counts.
class Statement {
 public:
  Statement(Database& database, sqlite3_stmt* handle) : database_(&database), handle_(handle) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int at, std::int64_t number);
  Statement& bind(int at, std::uint64_t number) {
    return bind(at, static_cast<std::int64_t>(number));
  }
  Statement& bind_text(int at, std::string_view text);
  Statement& bind_blob(int at, std::string_view bytes);

  /// True: a row is at hand. False: done.
  Result<bool> step();
  /// Runs it to its end and makes it ready for the next bindings.
  Result<void> run();
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(integer(column));
  }
  [[nodiscard]] std::string bytes(int column) const;  // of a text or a blob

 private:
  Database* database_;
  sqlite3_stmt* handle_;
};

/// Rolls back unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace tailgate::state
