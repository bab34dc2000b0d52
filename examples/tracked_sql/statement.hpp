#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <leash/result.hpp>
#include <leash/track/tag.hpp>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

#include "connection.hpp"

namespace sql {

/// A prepared statement. The destructor finalizes it.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Sets a parameter, counted from 1.
  [[nodiscard]] leash::Result<void> bind(int parameter, std::string_view text,
                                         std::source_location site = std::source_location::current());

  /// Goes on to the next row. Returns whether there is one.
  [[nodiscard]] leash::Result<bool> step(std::source_location site = std::source_location::current());

  /// Begins anew, with the same parameters. What `step` has failed with is not told again.
  void reset();

  /// A column of the row, counted from 0.
  std::int64_t integer(int column) const;

  /// Finalizes the statement.
  void finalize(std::source_location site = std::source_location::current());

 private:
  friend class Database;
  Statement(std::shared_ptr<Connection> connection, sqlite3_stmt* handle, leash::track::Tag tag);

  leash::Error failure(std::string_view operation, int code) const;

  std::shared_ptr<Connection> connection_;
  sqlite3_stmt* handle_;
  leash::track::Tag tag_;
};

}  // namespace sql
