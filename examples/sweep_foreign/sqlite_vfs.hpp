#pragma once

#include <sqlite3.h>

#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <memory>
#include <string>

namespace sweep_foreign {

/// A file system as a VFS of SQLite, which has its name for as long as this object lives:
///
///     SqliteVfs vfs(ctx, files);
///     sqlite3_open_v2("shop.db", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name());
///
/// Files are opened with the Context, from the lines of the VFS. Paths are those of `files`. Databases have a rollback
/// journal; a write-ahead log needs `PRAGMA locking_mode=EXCLUSIVE`, as there is no shared memory. What SQLite keeps in
/// temporary files goes into files without a name. Thread-safe as far as SQLite is.
///
/// Errors become the extended codes of the operation (`SQLITE_IOERR_READ`), and `SQLITE_FULL`, `SQLITE_BUSY`,
/// `SQLITE_CANTOPEN` and `SQLITE_NOMEM`. It is stricter than the VFS that comes with SQLite: that takes a file whose
/// `stat` fails for one that is missing, and passes over a directory that cannot be synced.
class SqliteVfs {
 public:
  /// `files` must outlive this, and this every database. Throws `std::bad_alloc`.
  SqliteVfs(leash::Context context, leash::fs::FileSystem& files);
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;
  ~SqliteVfs();

  /// What `sqlite3_open_v2` takes.
  const char* name() const noexcept { return name_.c_str(); }

  const leash::Context& context() const noexcept { return context_; }
  leash::fs::FileSystem& files() const noexcept { return files_; }

 private:
  leash::Context context_;
  leash::fs::FileSystem& files_;
  std::string name_;
  sqlite3_vfs vfs_{};
};

}  // namespace sweep_foreign
