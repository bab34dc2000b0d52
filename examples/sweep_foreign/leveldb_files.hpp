#pragma once

#include <leveldb/env.h>
#include <leveldb/status.h>

#include <cstdarg>
#include <cstdint>
#include <leash/context.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>

namespace sweep_foreign {

/// What LevelDB makes of an error: `NotFound` where something is missing, else `IOError`.
leveldb::Status leveldb_status(const leash::Error& error);
leveldb::Status leveldb_status(const leash::Result<void>& result);

/// A file that is read from the beginning to the end.
class LeveldbSequentialFile final : public leveldb::SequentialFile {
 public:
  explicit LeveldbSequentialFile(std::unique_ptr<leash::fs::File> file);

  leveldb::Status Read(std::size_t size, leveldb::Slice* result, char* scratch) override;
  leveldb::Status Skip(std::uint64_t size) override;

 private:
  std::unique_ptr<leash::fs::File> file_;
};

/// A file that is read anywhere, by several threads.
class LeveldbRandomAccessFile final : public leveldb::RandomAccessFile {
 public:
  explicit LeveldbRandomAccessFile(std::unique_ptr<leash::fs::File> file);

  leveldb::Status Read(std::uint64_t offset, std::size_t size, leveldb::Slice* result, char* scratch) const override;

 private:
  std::unique_ptr<leash::fs::File> file_;
};

/// A file that is written. The first sync makes its name durable too, whatever file it is.
class LeveldbWritableFile final : public leveldb::WritableFile {
 public:
  LeveldbWritableFile(leash::Context context, leash::fs::FileSystem& files, std::unique_ptr<leash::fs::File> file);
  ~LeveldbWritableFile() override;

  leveldb::Status Append(const leveldb::Slice& data) override;
  leveldb::Status Close() override;
  leveldb::Status Flush() override;
  leveldb::Status Sync() override;

 private:
  leash::Context context_;
  leash::fs::FileSystem& files_;
  std::unique_ptr<leash::fs::File> file_;
  bool name_is_durable_ = false;
  bool closed_ = false;
};

/// LevelDB's log for people, a line for each call.
class LeveldbLogger final : public leveldb::Logger {
 public:
  explicit LeveldbLogger(std::unique_ptr<leash::fs::File> file);
  ~LeveldbLogger() override;

  void Logv(const char* format, std::va_list arguments) override;

 private:
  std::unique_ptr<leash::fs::File> file_;
};

/// A file that is locked for as long as this lives.
class LeveldbLock final : public leveldb::FileLock {
 public:
  explicit LeveldbLock(std::unique_ptr<leash::fs::File> file);

  leveldb::Status unlock();

 private:
  std::unique_ptr<leash::fs::File> file_;
};

}  // namespace sweep_foreign
