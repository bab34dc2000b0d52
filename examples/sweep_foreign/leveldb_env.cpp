#include "leveldb_env.hpp"

#include <chrono>
#include <leash/clock.hpp>
#include <leash/fs/dir_entry.hpp>
#include <leash/fs/file_lock.hpp>
#include <leash/sleep.hpp>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "leveldb_files.hpp"

namespace sweep_foreign {

using leash::fs::FileSystem;
using leveldb::Status;

LeveldbEnv::LeveldbEnv(leash::Context context, FileSystem& files) : context_(std::move(context)), files_(files) {}

LeveldbEnv::~LeveldbEnv() = default;

Status LeveldbEnv::NewSequentialFile(const std::string& path, leveldb::SequentialFile** result) {
  *result = nullptr;
  auto file = files_.open(context_, path);
  if (!file) return leveldb_status(file.error());
  *result = new LeveldbSequentialFile(std::move(*file));
  return Status::OK();
}

Status LeveldbEnv::NewRandomAccessFile(const std::string& path, leveldb::RandomAccessFile** result) {
  *result = nullptr;
  auto file = files_.open(context_, path);
  if (!file) return leveldb_status(file.error());
  *result = new LeveldbRandomAccessFile(std::move(*file));
  return Status::OK();
}

Status LeveldbEnv::NewWritableFile(const std::string& path, leveldb::WritableFile** result) {
  *result = nullptr;
  auto file = files_.create(context_, path);
  if (!file) return leveldb_status(file.error());
  *result = new LeveldbWritableFile(context_, files_, std::move(*file));
  return Status::OK();
}

Status LeveldbEnv::NewAppendableFile(const std::string& path, leveldb::WritableFile** result) {
  *result = nullptr;
  auto file = files_.append(context_, path);
  if (!file) return leveldb_status(file.error());
  *result = new LeveldbWritableFile(context_, files_, std::move(*file));
  return Status::OK();
}

bool LeveldbEnv::FileExists(const std::string& path) {
  const auto info = files_.stat(context_, path);
  return info || info.error() != std::errc::no_such_file_or_directory;
}

Status LeveldbEnv::GetChildren(const std::string& directory, std::vector<std::string>* result) {
  result->clear();
  auto entries = files_.read_dir(context_, directory);
  if (!entries) return leveldb_status(entries.error());
  for (auto& entry : *entries) result->push_back(std::move(entry.name));
  return Status::OK();
}

Status LeveldbEnv::RemoveFile(const std::string& path) { return leveldb_status(files_.remove_file(context_, path)); }

Status LeveldbEnv::CreateDir(const std::string& path) { return leveldb_status(files_.mkdir(context_, path)); }

Status LeveldbEnv::RemoveDir(const std::string& path) { return leveldb_status(files_.remove_dir(context_, path)); }

Status LeveldbEnv::GetFileSize(const std::string& path, std::uint64_t* size) {
  *size = 0;
  const auto info = files_.stat(context_, path);
  if (!info) return leveldb_status(info.error());
  *size = info->size;
  return Status::OK();
}

Status LeveldbEnv::RenameFile(const std::string& from, const std::string& to) {
  return leveldb_status(files_.rename(context_, from, to));
}

Status LeveldbEnv::LockFile(const std::string& path, leveldb::FileLock** lock) {
  *lock = nullptr;
  auto file = files_.open(context_, path, {.read = true, .write = true, .create = true});
  if (!file) return leveldb_status(file.error());
  if (auto locked = (*file)->try_lock(leash::fs::LockMode::exclusive); !locked) {
    (void)(*file)->close();
    return leveldb_status(locked);
  }
  *lock = new LeveldbLock(std::move(*file));
  return Status::OK();
}

Status LeveldbEnv::UnlockFile(leveldb::FileLock* lock) {
  const std::unique_ptr<LeveldbLock> owned(static_cast<LeveldbLock*>(lock));
  return owned->unlock();
}

void LeveldbEnv::Schedule(void (*function)(void*), void* argument) { tasks_.add(function, argument); }

void LeveldbEnv::StartThread(void (*function)(void*), void* argument) { std::thread(function, argument).detach(); }

Status LeveldbEnv::GetTestDirectory(std::string* path) {
  *path = "test";
  return leveldb_status(files_.mkdir_all(context_, *path));
}

Status LeveldbEnv::NewLogger(const std::string& path, leveldb::Logger** result) {
  *result = nullptr;
  auto file = files_.append(context_, path);
  if (!file) return leveldb_status(file.error());
  *result = new LeveldbLogger(std::move(*file));
  return Status::OK();
}

std::uint64_t LeveldbEnv::NowMicros() {
  const auto now = context_.clock()->system_now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void LeveldbEnv::SleepForMicroseconds(int microseconds) {
  (void)leash::sleep_for(context_, std::chrono::microseconds(microseconds));
}

}  // namespace sweep_foreign
