#pragma once

#include <sqlite3.h>

#include <leash/error.hpp>
#include <string_view>
#include <system_error>

namespace sql {

/// The category of SQLite's result codes, whose messages are those of `sqlite3_errstr`.
const std::error_category& category() noexcept;

/// What the last call on `handle`, which failed with `code`, has to say. `handle` may be null.
leash::Error error(std::string_view operation, std::string_view subject, int code, sqlite3* handle);

}  // namespace sql
