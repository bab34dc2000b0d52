#include "sqlite_vfs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <leash/clock.hpp>
#include <leash/fs/open_options.hpp>
#include <leash/fs/path.hpp>
#include <leash/sleep.hpp>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "sqlite_file.hpp"

namespace sweep_foreign {

using leash::fs::OpenOptions;

namespace {

constexpr int longest_path = 4096;

// How many there were: each has a name of its own.
std::atomic<std::uint64_t> vfs_count{0};

const SqliteVfs& of(const sqlite3_vfs* vfs) { return *static_cast<const SqliteVfs*>(vfs->pAppData); }

OpenOptions options_of(int flags) {
  const bool writes = (flags & SQLITE_OPEN_READWRITE) != 0;
  const bool creates = writes && (flags & SQLITE_OPEN_CREATE) != 0;
  return {
      .read = true, .write = writes, .create = creates, .exclusive = creates && (flags & SQLITE_OPEN_EXCLUSIVE) != 0};
}

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* base, int flags, int* flags_out) noexcept {
  const SqliteVfs& self = of(vfs);
  // Else SQLite would close it, though it was not opened.
  base->pMethods = nullptr;
  const bool named = path != nullptr;
  OpenOptions options = options_of(flags);
  auto opened = named ? self.files().open(self.context(), path, options)
                      : self.files().open(self.context(), ".", {.read = true, .write = true, .unnamed = true});
  if (named && !opened && options.write &&
      (opened.error() == std::errc::permission_denied || opened.error() == std::errc::read_only_file_system)) {
    flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    options = {.read = true};
    opened = self.files().open(self.context(), path, options);
  }
  if (!opened) return sqlite_code(opened.error(), SQLITE_CANTOPEN);
  auto* const file = new (static_cast<void*>(base)) SqliteFile(std::move(*opened));
  file->files = &self.files();
  file->context = self.context();
  constexpr int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  if (named && options.create && (flags & journals) != 0) file->unsynced_directory = leash::fs::parent_path(path);
  if (named && (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) file->removed_by_close = path;
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) noexcept {
  const SqliteVfs& self = of(vfs);
  if (const auto removed = self.files().remove_file(self.context(), path); !removed) {
    return removed.error() == std::errc::no_such_file_or_directory ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
  }
  if (sync_directory == 0) return SQLITE_OK;
  return self.files().sync_dir(self.context(), leash::fs::parent_path(path)) ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int access(sqlite3_vfs* vfs, const char* path, int flags, int* result) noexcept {
  const SqliteVfs& self = of(vfs);
  const auto info = self.files().stat(self.context(), path);
  *result = 0;
  if (!info) return info.error() == std::errc::no_such_file_or_directory ? SQLITE_OK : SQLITE_IOERR_ACCESS;
  // A journal that is empty is none.
  const bool exists = info->size > 0 || info->is_directory();
  *result = flags == SQLITE_ACCESS_EXISTS ? exists : (info->mode & 0200) != 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) noexcept {
  const std::string_view text(path);
  if (text.size() >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::ranges::copy(text, out);
  out[text.size()] = '\0';
  return SQLITE_OK;
}

int randomness(sqlite3_vfs*, int size, char* out) noexcept {
  // A seed, not a secret; and the same each time, so that a sweep's runs are.
  for (int i = 0; i < size; ++i) out[i] = static_cast<char>(i * 37);
  return size;
}

int sleep(sqlite3_vfs* vfs, int microseconds) noexcept {
  (void)leash::sleep_for(of(vfs).context(), std::chrono::microseconds(microseconds));
  return microseconds;
}

int current_time(sqlite3_vfs* vfs, sqlite3_int64* time) noexcept {
  // SQLite counts milliseconds from noon of November 24 in the year -4713.
  constexpr std::int64_t epoch = 210866760000000;
  const auto now = of(vfs).context().clock()->system_now().time_since_epoch();
  *time = epoch + std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return SQLITE_OK;
}

int current_time_in_days(sqlite3_vfs* vfs, double* time) noexcept {
  sqlite3_int64 milliseconds = 0;
  const int code = current_time(vfs, &milliseconds);
  *time = static_cast<double>(milliseconds) / 86400000.0;
  return code;
}

int last_error(sqlite3_vfs*, int, char*) noexcept { return 0; }

}  // namespace

SqliteVfs::SqliteVfs(leash::Context context, leash::fs::FileSystem& files)
    : context_(std::move(context)), files_(files), name_("leash-" + std::to_string(++vfs_count)) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = sizeof(SqliteFile);
  vfs_.mxPathname = longest_path;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  vfs_.xAccess = access;
  vfs_.xFullPathname = full_path;
  vfs_.xRandomness = randomness;
  vfs_.xSleep = sleep;
  vfs_.xCurrentTime = current_time_in_days;
  vfs_.xGetLastError = last_error;
  vfs_.xCurrentTimeInt64 = current_time;
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::bad_alloc();
}

SqliteVfs::~SqliteVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace sweep_foreign
