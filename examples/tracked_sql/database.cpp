#include "database.hpp"

#include <sqlite3.h>

#include <leash/track/kind.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/tracker.hpp>
#include <utility>

#include "sql_error.hpp"

namespace sql {

using leash::Result;
using leash::track::Kind;
using leash::track::OnDrop;

namespace {

constexpr Kind database{"database", "databases"};
constexpr Kind statement{"statement", "statements"};
constexpr Kind transaction{"transaction", "transactions"};

}  // namespace

Result<Database> Database::open(leash::Call call, const std::string& path, const char* vfs) {
  auto connection = std::make_shared<Connection>();
  connection->path = path;
  const int code = sqlite3_open_v2(path.c_str(), &connection->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs);
  // There is a handle then too, for the message.
  Database opened(std::move(connection), {});
  if (code != SQLITE_OK) return std::unexpected(opened.failure("open", path, code));
  sqlite3_extended_result_codes(opened.connection_->handle, 1);
  auto tag = leash::track::try_acquire(call, {database, path, -1, OnDrop::closed});
  if (!tag) return std::unexpected(tag.error());
  opened.tag_ = std::move(*tag);
  return opened;
}

Database::Database(std::shared_ptr<Connection> connection, leash::track::Tag tag)
    : connection_(std::move(connection)), tag_(std::move(tag)) {}

Database::~Database() {
  if (connection_ != nullptr) sqlite3_close_v2(std::exchange(connection_->handle, nullptr));
}

Result<void> Database::run(const std::string& sql, std::source_location site) {
  tag_.touch(site);
  if (connection_->handle == nullptr) return std::unexpected(failure("run", sql, SQLITE_MISUSE));
  const int code = sqlite3_exec(connection_->handle, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(failure("run", sql, code));
  return {};
}

Result<Statement> Database::prepare(const std::string& sql, std::source_location site) {
  tag_.touch(site);
  if (connection_->handle == nullptr) return std::unexpected(failure("prepare", sql, SQLITE_MISUSE));
  sqlite3_stmt* prepared = nullptr;
  const int code =
      sqlite3_prepare_v2(connection_->handle, sql.data(), static_cast<int>(sql.size()), &prepared, nullptr);
  if (code != SQLITE_OK) return std::unexpected(failure("prepare", sql, code));
  return Statement(connection_, prepared, tag_.child({statement, sql, -1, OnDrop::closed}, site));
}

Result<Transaction> Database::begin(std::source_location site) {
  if (auto begun = run("BEGIN", site); !begun) return std::unexpected(begun.error());
  connection_->failed = false;
  return Transaction(connection_, tag_.child({transaction, "BEGIN", -1, OnDrop::error_lost}, site));
}

Result<void> Database::close(std::source_location site) {
  tag_.close(site);
  sqlite3* const handle = std::exchange(connection_->handle, nullptr);
  if (handle == nullptr) return std::unexpected(failure("close", connection_->path, SQLITE_MISUSE));
  const int code = sqlite3_close(handle);
  if (code == SQLITE_OK) return {};
  auto failed = error("close", connection_->path, code, handle);
  sqlite3_close_v2(handle);
  return std::unexpected(std::move(failed));
}

leash::Error Database::failure(std::string_view operation, std::string_view subject, int code) const {
  connection_->failed = true;
  return error(operation, subject, code, connection_->handle);
}

}  // namespace sql
