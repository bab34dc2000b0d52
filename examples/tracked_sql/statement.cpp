#include "statement.hpp"

#include <utility>

#include "sql_error.hpp"

namespace sql {

using leash::Result;

Statement::Statement(std::shared_ptr<Connection> connection, sqlite3_stmt* handle, leash::track::Tag tag)
    : connection_(std::move(connection)), handle_(handle), tag_(std::move(tag)) {}

Statement::Statement(Statement&& other) noexcept
    : connection_(std::move(other.connection_)),
      handle_(std::exchange(other.handle_, nullptr)),
      tag_(std::move(other.tag_)) {}

Statement::~Statement() { sqlite3_finalize(handle_); }

Result<void> Statement::bind(int parameter, std::string_view text, std::source_location site) {
  tag_.touch(site);
  const int code =
      sqlite3_bind_text64(handle_, parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);  // NOLINT
  if (code != SQLITE_OK) return std::unexpected(failure("bind", code));
  return {};
}

Result<bool> Statement::step(std::source_location site) {
  tag_.touch(site);
  const int code = sqlite3_step(handle_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected(failure("step", code));
  return code == SQLITE_ROW;
}

void Statement::reset() { sqlite3_reset(handle_); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

void Statement::finalize(std::source_location site) {
  tag_.close(site);
  // It returns what the last step has failed with, which that has told.
  sqlite3_finalize(std::exchange(handle_, nullptr));
}

leash::Error Statement::failure(std::string_view operation, int code) const {
  connection_->failed = true;
  const char* const text = sqlite3_sql(handle_);
  return error(operation, text == nullptr ? connection_->path : text, code, sqlite3_db_handle(handle_));
}

}  // namespace sql
