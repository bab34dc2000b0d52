#include "sqlite_file.hpp"

#include <cstddef>
#include <cstdint>
#include <leash/fs/file_lock.hpp>
#include <span>
#include <system_error>

namespace sweep_foreign {

using leash::Error;
using leash::Result;
using leash::fs::LockMode;
using leash::fs::LockRange;

namespace {

// The bytes that stand for SQLite's locks. Its own VFS takes the same, so that both may have a database open at once.
constexpr std::uint64_t first_lock = 0x40000000;
constexpr LockRange pending{.offset = first_lock, .size = 1};
constexpr LockRange reserved{.offset = first_lock + 1, .size = 1};
constexpr LockRange shared{.offset = first_lock + 2, .size = 510};

SqliteFile& of(sqlite3_file* file) { return static_cast<SqliteFile&>(*file); }

int code_of(const Result<void>& result, int otherwise) {
  return result ? SQLITE_OK : sqlite_code(result.error(), otherwise);
}

// SQLite calls these from C, which no exception may pass.

int close(sqlite3_file* base) noexcept {
  SqliteFile& self = of(base);
  int code = code_of(self.file->close(), SQLITE_IOERR_CLOSE);
  if (!self.removed_by_close.empty()) {
    const int removed = code_of(self.files->remove_file(self.context, self.removed_by_close), SQLITE_IOERR_DELETE);
    if (code == SQLITE_OK) code = removed;
  }
  self.~SqliteFile();
  return code;
}

int read(sqlite3_file* base, void* data, int size, sqlite3_int64 offset) noexcept {
  std::span<std::byte> rest(static_cast<std::byte*>(data), static_cast<std::size_t>(size));
  for (auto at = static_cast<std::uint64_t>(offset); !rest.empty();) {
    const auto got = of(base).file->read_at(rest, at);
    if (!got) return sqlite_code(got.error(), SQLITE_IOERR_READ);
    if (*got == 0) {
      for (std::byte& missing : rest) missing = std::byte{0};
      return SQLITE_IOERR_SHORT_READ;
    }
    rest = rest.subspan(*got);
    at += *got;
  }
  return SQLITE_OK;
}

int write(sqlite3_file* base, const void* data, int size, sqlite3_int64 offset) noexcept {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data), static_cast<std::size_t>(size));
  return code_of(of(base).file->write_at(bytes, static_cast<std::uint64_t>(offset)), SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* base, sqlite3_int64 size) noexcept {
  return code_of(of(base).file->truncate(static_cast<std::uint64_t>(size)), SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* base, int flags) noexcept {
  SqliteFile& self = of(base);
  const auto synced = (flags & SQLITE_SYNC_DATAONLY) != 0 ? self.file->sync_data() : self.file->sync();
  if (!synced) return sqlite_code(synced.error(), SQLITE_IOERR_FSYNC);
  if (self.unsynced_directory.empty()) return SQLITE_OK;
  const auto named = self.files->sync_dir(self.context, self.unsynced_directory);
  if (!named) return sqlite_code(named.error(), SQLITE_IOERR_DIR_FSYNC);
  self.unsynced_directory.clear();
  return SQLITE_OK;
}

int file_size(sqlite3_file* base, sqlite3_int64* size) noexcept {
  const auto info = of(base).file->stat();
  if (!info) return sqlite_code(info.error(), SQLITE_IOERR_FSTAT);
  *size = static_cast<sqlite3_int64>(info->size);
  return SQLITE_OK;
}

int lock_shared(SqliteFile& self) {
  // Whoever waits for the exclusive lock holds `pending`, so that no reader comes in any more.
  if (const auto turn = self.file->try_lock(LockMode::shared, pending); !turn) {
    return sqlite_code(turn.error(), SQLITE_IOERR_RDLOCK);
  }
  const auto locked = self.file->try_lock(LockMode::shared, shared);
  const auto left = self.file->unlock(pending);
  if (!locked) return sqlite_code(locked.error(), SQLITE_IOERR_RDLOCK);
  if (!left) {
    (void)self.file->unlock(shared);
    return sqlite_code(left.error(), SQLITE_IOERR_UNLOCK);
  }
  self.lock = SQLITE_LOCK_SHARED;
  return SQLITE_OK;
}

int lock_exclusive(SqliteFile& self) {
  if (self.lock < SQLITE_LOCK_PENDING) {
    if (const auto turn = self.file->try_lock(LockMode::exclusive, pending); !turn) {
      return sqlite_code(turn.error(), SQLITE_IOERR_LOCK);
    }
    self.lock = SQLITE_LOCK_PENDING;
  }
  if (const auto locked = self.file->try_lock(LockMode::exclusive, shared); !locked) {
    return sqlite_code(locked.error(), SQLITE_IOERR_LOCK);
  }
  self.lock = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

int lock(sqlite3_file* base, int level) noexcept {
  SqliteFile& self = of(base);
  if (self.lock >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) return lock_shared(self);
  if (level == SQLITE_LOCK_EXCLUSIVE) return lock_exclusive(self);
  if (const auto locked = self.file->try_lock(LockMode::exclusive, reserved); !locked) {
    return sqlite_code(locked.error(), SQLITE_IOERR_LOCK);
  }
  self.lock = SQLITE_LOCK_RESERVED;
  return SQLITE_OK;
}

int unlock(sqlite3_file* base, int level) noexcept {
  SqliteFile& self = of(base);
  if (self.lock <= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_NONE) {
    // That it is not known to hold any is what SQLite counts on, also after a failure.
    self.lock = SQLITE_LOCK_NONE;
    return code_of(self.file->unlock(), SQLITE_IOERR_UNLOCK);
  }
  if (self.lock > SQLITE_LOCK_RESERVED) {
    if (const auto read = self.file->try_lock(LockMode::shared, shared); !read) return SQLITE_IOERR_RDLOCK;
  }
  for (const LockRange& range : {pending, reserved}) {
    if (const auto freed = self.file->unlock(range); !freed) return sqlite_code(freed.error(), SQLITE_IOERR_UNLOCK);
  }
  self.lock = SQLITE_LOCK_SHARED;
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* base, int* held) noexcept {
  SqliteFile& self = of(base);
  *held = 1;
  if (self.lock >= SQLITE_LOCK_RESERVED) return SQLITE_OK;
  // There is no question without a lock. A shared one lets others ask at the same time.
  if (const auto locked = self.file->try_lock(LockMode::shared, reserved); !locked) {
    const int code = sqlite_code(locked.error(), SQLITE_IOERR_CHECKRESERVEDLOCK);
    return code == SQLITE_BUSY ? SQLITE_OK : code;
  }
  *held = 0;
  return code_of(self.file->unlock(reserved), SQLITE_IOERR_CHECKRESERVEDLOCK);
}

int file_control(sqlite3_file*, int, void*) noexcept { return SQLITE_NOTFOUND; }

int sector_size(sqlite3_file*) noexcept { return 4096; }

int device_characteristics(sqlite3_file*) noexcept { return 0; }

}  // namespace

int sqlite_code(const Error& error, int otherwise) noexcept {
  if (error == std::errc::no_space_on_device) return SQLITE_FULL;
  if (error == std::errc::resource_unavailable_try_again) return SQLITE_BUSY;
  if (error == std::errc::not_enough_memory) return SQLITE_NOMEM;
  return otherwise;
}

SqliteFile::SqliteFile(std::unique_ptr<leash::fs::File> opened)
    : sqlite3_file{.pMethods = &sqlite_file_methods}, file(std::move(opened)) {}

const sqlite3_io_methods sqlite_file_methods{
    .iVersion = 1,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

}  // namespace sweep_foreign
