#include "sqlite_program.hpp"

#include <sqlite3.h>

#include <leash/fault/fault.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <memory>
#include <optional>
#include <string>

#include "sqlite_vfs.hpp"

namespace sweep_foreign {

using leash::Context;
using leash::Result;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;

namespace {

const char* const path = "shop.db";
constexpr int rows = 20;

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using Database = std::unique_ptr<sqlite3, Close>;

Result<Database> open(const SqliteVfs& vfs) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name());
  Database database(opened);
  if (code != SQLITE_OK) return leash::fail("open", path, std::errc::io_error, sqlite3_errstr(code));
  return database;
}

/// Runs statements, and returns the first value of the last row, if there is a row.
Result<std::string> ask(sqlite3& database, const std::string& sql) {
  std::string answer;
  const auto keep = [](void* out, int columns, char** values, char**) {
    if (columns > 0 && values[0] != nullptr) *static_cast<std::string*>(out) = values[0];
    return 0;
  };
  if (sqlite3_exec(&database, sql.c_str(), keep, &answer, nullptr) != SQLITE_OK) {
    return leash::fail("exec", path, std::errc::io_error, sqlite3_errmsg(&database));
  }
  return answer;
}

/// What becomes of one transaction.
Result<void> transact(const SqliteVfs& vfs, bool& committed) {
  auto opened = open(vfs);
  if (!opened) return std::unexpected(opened.error());
  sqlite3& database = **opened;
  // The journal is durably gone when COMMIT returns only if its directory is synced.
  for (const char* const sql : {"PRAGMA synchronous=EXTRA", "BEGIN", "CREATE TABLE item(name TEXT PRIMARY KEY)"}) {
    if (auto done = ask(database, sql); !done) return std::unexpected(done.error());
  }
  for (int row = 0; row < rows; ++row) {
    if (auto done = ask(database, "INSERT INTO item VALUES('" + std::string(500, 'x') + std::to_string(row) + "')");
        !done) {
      return std::unexpected(done.error());
    }
  }
  if (auto done = ask(database, "COMMIT"); !done) return std::unexpected(done.error());
  committed = true;
  auto count = ask(database, "SELECT count(*) FROM item");
  if (!count) return std::unexpected(count.error());
  leash::fault::expect(vfs.context(), *count == std::to_string(rows), "a transaction reads what it has written");
  // Destructors have no result.
  if (sqlite3_close(opened->release()) != SQLITE_OK) return leash::fail("close", path, std::errc::io_error);
  return {};
}

/// How many rows are in the database as it is on `files`; -1 if it is damaged.
int rows_in(FileSystem& files) {
  const SqliteVfs vfs(Context::background(), files);
  const auto database = open(vfs);
  if (!database || ask(**database, "PRAGMA integrity_check") != "ok") return -1;
  const auto tables = ask(**database, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return -1;
  if (*tables == "0") return 0;
  const auto count = ask(**database, "SELECT count(*) FROM item");
  return count ? std::stoi(*count) : -1;
}

void check(const Context& context, FileSystem& files, bool committed) {
  const int count = rows_in(files);
  leash::fault::expect(context, count == 0 || count == rows, "the database is whole, with all rows or none");
  if (committed) leash::fault::expect(context, count == rows, "what COMMIT has acknowledged is there");
}

}  // namespace

Result<void> run_sqlite(const Context& context) {
  MemoryFS memory = MemoryFS::with({.crash_clones = true});
  bool committed = false;
  leash::fs::FaultFS faulty(memory, {.on_crash = [&](const Context&) {
                              for (const std::uint64_t seed : {0U, 1U, 2U, 3U}) {
                                MemoryFS left = memory.crash_clone(seed);
                                check(context, left, committed);
                              }
                            }});
  leash::fs::TrackedFS files(faulty);
  const SqliteVfs vfs(context, files);
  const auto done = transact(vfs, committed);
  MemoryFS after_power_cut = memory.crash_clone(0);
  check(context, after_power_cut, committed);
  check(context, memory, committed);
  return done;
}

leash::fault::SweepOptions sqlite_options() {
  using leash::fault::Effect;
  leash::fault::SweepOptions options;
  for (const char* const each : {"File::write_at", "File::sync", "remove_file", "sync_dir", "File::truncate"}) {
    auto faults = options.faults.of(each);
    faults.push_back({.effect = Effect::crash});
    options.faults.set(each, std::move(faults));
  }
  return options;
}

}  // namespace sweep_foreign
