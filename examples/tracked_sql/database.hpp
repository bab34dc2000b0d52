#pragma once

#include <leash/call.hpp>
#include <leash/result.hpp>
#include <leash/track/tag.hpp>
#include <memory>
#include <source_location>
#include <string>

#include "connection.hpp"
#include "statement.hpp"
#include "transaction.hpp"

namespace sql {

/// A database of SQLite, whose tracker is that of the Context that it was opened with. Statements and transactions are
/// its children: a report names the line that made one which is still open, or which has outlived its database.
///
/// Errors have the codes of `sql::category`, with SQLite's message as their detail. One thread at a time may use a
/// database with all that was made of it. The destructor closes.
class Database {
 public:
  /// Opens the database, and creates it if it is missing. `vfs` is what SQLite is to open files with; null is its own.
  [[nodiscard]] static leash::Result<Database> open(leash::Call call, const std::string& path,
                                                    const char* vfs = nullptr);

  Database(Database&& other) noexcept = default;
  Database& operator=(Database&&) = delete;
  ~Database();

  /// Runs statements that have no parameters and of which no row is wanted.
  [[nodiscard]] leash::Result<void> run(const std::string& sql,
                                        std::source_location site = std::source_location::current());

  [[nodiscard]] leash::Result<Statement> prepare(const std::string& sql,
                                                 std::source_location site = std::source_location::current());

  /// Begins a transaction. There is one at a time.
  [[nodiscard]] leash::Result<Transaction> begin(std::source_location site = std::source_location::current());

  /// Closes the database, and rolls back its transaction. With statements that are not finalized it fails with
  /// `SQLITE_BUSY`: then the database is closed for its user, and SQLite frees it with the last of them.
  [[nodiscard]] leash::Result<void> close(std::source_location site = std::source_location::current());

 private:
  Database(std::shared_ptr<Connection> connection, leash::track::Tag tag);

  leash::Error failure(std::string_view operation, std::string_view subject, int code) const;

  std::shared_ptr<Connection> connection_;
  leash::track::Tag tag_;
};

}  // namespace sql
