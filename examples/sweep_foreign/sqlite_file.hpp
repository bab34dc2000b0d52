#pragma once

#include <sqlite3.h>

#include <leash/context.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_system.hpp>
#include <memory>
#include <string>
#include <utility>

namespace sweep_foreign {

/// What SQLite makes of an error: `otherwise`, unless there is a code of its own for it.
int sqlite_code(const leash::Error& error, int otherwise) noexcept;

/// An open file as SQLite has it. SQLite gives the memory, and `sqlite_file_methods` destroy it.
struct SqliteFile : sqlite3_file {
  explicit SqliteFile(std::unique_ptr<leash::fs::File> opened);

  std::unique_ptr<leash::fs::File> file;
  int lock = SQLITE_LOCK_NONE;

  /// Where the file was created, if its name is not on the device yet: the first sync brings it there.
  leash::fs::FileSystem* files = nullptr;
  leash::Context context = {};
  std::string unsynced_directory = {};

  /// Set if the file is to be removed when it is closed.
  std::string removed_by_close = {};
};

/// The operations of a `SqliteFile`.
extern const sqlite3_io_methods sqlite_file_methods;

}  // namespace sweep_foreign
