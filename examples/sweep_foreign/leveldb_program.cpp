#include "leveldb_program.hpp"

#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include <cstdint>
#include <leash/fault/fault.hpp>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <memory>
#include <string>

#include "leveldb_env.hpp"

namespace sweep_foreign {

using leash::Context;
using leash::Result;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;

namespace {

const char* const path = "db";

Result<void> result_of(const char* operation, const leveldb::Status& status) {
  if (status.ok()) return {};
  return leash::fail(operation, path, std::errc::io_error, status.ToString());
}

Result<std::unique_ptr<leveldb::DB>> open(leveldb::Env& env) {
  leveldb::Options options;
  options.env = &env;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  leveldb::DB* db = nullptr;
  if (auto opened = result_of("open", leveldb::DB::Open(options, path, &db)); !opened) {
    return std::unexpected(opened.error());
  }
  return std::unique_ptr<leveldb::DB>(db);
}

/// Whether both values of the batch are there, or none: an error if it is one, or if they cannot be read.
Result<bool> has_batch(leveldb::DB& db) {
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  int found = 0;
  for (const char* const key : {"apple", "pear"}) {
    std::string value;
    const leveldb::Status status = db.Get(options, key, &value);
    if (status.IsNotFound()) continue;
    if (auto read = result_of("get", status); !read) return std::unexpected(read.error());
    if (value != std::string(1000, key[0])) return leash::fail("get", key, std::errc::bad_message, "another value");
    ++found;
  }
  if (found == 1) return leash::fail("get", path, std::errc::bad_message, "half of a batch");
  return found == 2;
}

Result<void> write_and_read(const Context& context, leveldb::Env& env, bool& acknowledged) {
  auto opened = open(env);
  if (!opened) return std::unexpected(opened.error());
  leveldb::WriteBatch batch;
  batch.Put("apple", std::string(1000, 'a'));
  batch.Put("pear", std::string(1000, 'p'));
  leveldb::WriteOptions synced;
  synced.sync = true;
  if (auto written = result_of("write", (*opened)->Write(synced, &batch)); !written) return written;
  acknowledged = true;
  (*opened)->CompactRange(nullptr, nullptr);
  const auto there = has_batch(**opened);
  if (!there) return std::unexpected(there.error());
  leash::fault::expect(context, *there, "what was written is read");
  opened->reset();

  auto again = open(env);
  if (!again) return std::unexpected(again.error());
  const auto still_there = has_batch(**again);
  if (!still_there) return std::unexpected(still_there.error());
  leash::fault::expect(context, *still_there, "what was written is read when the database was opened again");
  return {};
}

void check(const Context& context, FileSystem& files, bool acknowledged) {
  LeveldbEnv env(Context::background(), files);
  const auto opened = open(env);
  leash::fault::expect(context, opened.has_value(), "the database can be opened");
  if (!opened) return;
  const auto there = has_batch(**opened);
  leash::fault::expect(context, there.has_value(), "the database has all of the batch or nothing");
  if (there && acknowledged) leash::fault::expect(context, *there, "a write that was acknowledged is there");
}

}  // namespace

Result<void> run_leveldb(const Context& context) {
  MemoryFS memory = MemoryFS::with({.crash_clones = true}, {{"db/", ""}});
  // LevelDB creates its directory where it is missing, but leaves it to others to make the name of that durable.
  if (auto durable = memory.sync_dir(Context(), "."); !durable) return durable;
  bool acknowledged = false;
  leash::fs::FaultFS faulty(memory, {.on_crash = [&](const Context&) {
                              for (const std::uint64_t seed : {0U, 1U, 2U, 3U}) {
                                MemoryFS left = memory.crash_clone(seed);
                                check(context, left, acknowledged);
                              }
                            }});
  leash::fs::TrackedFS files(faulty);
  LeveldbEnv env(context, files);
  const auto done = write_and_read(context, env, acknowledged);
  MemoryFS after_power_cut = memory.crash_clone(0);
  check(context, after_power_cut, acknowledged);
  check(context, memory, acknowledged);
  return done;
}

leash::fault::SweepOptions leveldb_options() {
  using leash::fault::Effect;
  leash::fault::SweepOptions options;
  // LevelDB does not survive a rename that takes place and is told to have failed: see docs/found.md.
  options.faults.set("rename", {{.code = std::errc::permission_denied}});
  for (const char* const each : {"File::write", "File::sync_data", "remove_file", "rename", "sync_dir"}) {
    auto faults = options.faults.of(each);
    faults.push_back({.effect = Effect::crash});
    options.faults.set(each, std::move(faults));
  }
  return options;
}

}  // namespace sweep_foreign
