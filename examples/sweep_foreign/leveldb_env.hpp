#pragma once

#include <leveldb/env.h>

#include <cstdint>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <string>
#include <vector>

#include "task_thread.hpp"

namespace sweep_foreign {

/// A file system as an Env of LevelDB:
///
///     LeveldbEnv env(ctx, files);
///     options.env = &env;
///     leveldb::DB::Open(options, "db", &db);
///
/// Files are opened with the Context, from the lines of the Env. Paths are those of `files`. What is scheduled runs in
/// a thread of its own, which the destructor waits for. Thread-safe.
class LeveldbEnv final : public leveldb::Env {
 public:
  /// `files` must outlive this, and this every database.
  LeveldbEnv(leash::Context context, leash::fs::FileSystem& files);
  ~LeveldbEnv() override;

  leveldb::Status NewSequentialFile(const std::string& path, leveldb::SequentialFile** result) override;
  leveldb::Status NewRandomAccessFile(const std::string& path, leveldb::RandomAccessFile** result) override;
  leveldb::Status NewWritableFile(const std::string& path, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& path, leveldb::WritableFile** result) override;
  /// True also where that cannot be found out: LevelDB creates a database in place of one that it does not see.
  bool FileExists(const std::string& path) override;
  leveldb::Status GetChildren(const std::string& directory, std::vector<std::string>* result) override;
  leveldb::Status RemoveFile(const std::string& path) override;
  leveldb::Status CreateDir(const std::string& path) override;
  leveldb::Status RemoveDir(const std::string& path) override;
  leveldb::Status GetFileSize(const std::string& path, std::uint64_t* size) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;
  leveldb::Status LockFile(const std::string& path, leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  void Schedule(void (*function)(void*), void* argument) override;
  void StartThread(void (*function)(void*), void* argument) override;
  leveldb::Status GetTestDirectory(std::string* path) override;
  leveldb::Status NewLogger(const std::string& path, leveldb::Logger** result) override;
  std::uint64_t NowMicros() override;
  void SleepForMicroseconds(int microseconds) override;

 private:
  leash::Context context_;
  leash::fs::FileSystem& files_;
  TaskThread tasks_;
};

}  // namespace sweep_foreign
