#include "transaction.hpp"

#include <sqlite3.h>

#include <string>
#include <utility>

#include "sql_error.hpp"

namespace sql {

using leash::Result;

Transaction::Transaction(std::shared_ptr<Connection> connection, leash::track::Tag tag)
    : connection_(std::move(connection)), tag_(std::move(tag)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  if (connection_->failed) tag_.set_failed();
  (void)run("ROLLBACK");
}

Result<void> Transaction::commit(std::source_location site) {
  auto done = run("COMMIT");
  if (!done) (void)run("ROLLBACK");
  tag_.close(site);
  connection_.reset();
  return done;
}

Result<void> Transaction::rollback(std::source_location site) {
  auto done = run("ROLLBACK");
  tag_.close(site);
  connection_.reset();
  return done;
}

Result<void> Transaction::run(const char* sql) {
  if (connection_ == nullptr) return std::unexpected(error(sql, "transaction", SQLITE_MISUSE, nullptr));
  sqlite3* const handle = connection_->handle;
  if (handle == nullptr) return std::unexpected(error(sql, connection_->path, SQLITE_MISUSE, nullptr));
  // Some failures have rolled it back already.
  if (std::string_view(sql) == "ROLLBACK" && sqlite3_get_autocommit(handle) != 0) return {};
  const int code = sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  connection_->failed = true;
  return std::unexpected(error(sql, connection_->path, code, handle));
}

}  // namespace sql
