#pragma once

#include <sqlite3.h>

#include <string>

namespace sql {

/// What a database, its statements and its transactions share: they may end in any order.
struct Connection {
  std::string path;
  sqlite3* handle = nullptr;  ///< Null when the database was closed.
  bool failed = false;        ///< Whether something has failed since the transaction began.
};

}  // namespace sql
