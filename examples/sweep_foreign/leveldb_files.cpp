#include "leveldb_files.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <leash/fs/path.hpp>
#include <span>
#include <system_error>
#include <utility>

namespace sweep_foreign {

using leash::fs::File;
using leveldb::Slice;
using leveldb::Status;

Status leveldb_status(const leash::Error& error) {
  if (error == std::errc::no_such_file_or_directory) return Status::NotFound(to_string(error));
  return Status::IOError(to_string(error));
}

Status leveldb_status(const leash::Result<void>& result) {
  return result ? Status::OK() : leveldb_status(result.error());
}

LeveldbSequentialFile::LeveldbSequentialFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

Status LeveldbSequentialFile::Read(std::size_t size, Slice* result, char* scratch) {
  // LevelDB takes less than it has asked for as the end of the file.
  auto rest = std::as_writable_bytes(std::span(scratch, size));
  while (!rest.empty()) {
    const auto got = file_->read(rest);
    if (!got) return leveldb_status(got.error());
    if (*got == 0) break;
    rest = rest.subspan(*got);
  }
  *result = Slice(scratch, size - rest.size());
  return Status::OK();
}

Status LeveldbSequentialFile::Skip(std::uint64_t size) {
  const auto moved = file_->seek(static_cast<std::int64_t>(size), leash::fs::Whence::current);
  return moved ? Status::OK() : leveldb_status(moved.error());
}

LeveldbRandomAccessFile::LeveldbRandomAccessFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

Status LeveldbRandomAccessFile::Read(std::uint64_t offset, std::size_t size, Slice* result, char* scratch) const {
  auto rest = std::as_writable_bytes(std::span(scratch, size));
  while (!rest.empty()) {
    const auto got = file_->read_at(rest, offset);
    if (!got) return leveldb_status(got.error());
    if (*got == 0) break;
    rest = rest.subspan(*got);
    offset += *got;
  }
  *result = Slice(scratch, size - rest.size());
  return Status::OK();
}

LeveldbWritableFile::LeveldbWritableFile(leash::Context context, leash::fs::FileSystem& files,
                                         std::unique_ptr<File> file)
    : context_(std::move(context)), files_(files), file_(std::move(file)) {}

LeveldbWritableFile::~LeveldbWritableFile() {
  // LevelDB does so with a log that it has no more use for.
  if (!closed_) (void)file_->close();
}

Status LeveldbWritableFile::Append(const Slice& data) {
  return leveldb_status(file_->write(std::string_view(data.data(), data.size())));
}

Status LeveldbWritableFile::Close() {
  closed_ = true;
  return leveldb_status(file_->close());
}

Status LeveldbWritableFile::Flush() { return Status::OK(); }

Status LeveldbWritableFile::Sync() {
  if (!name_is_durable_) {
    if (auto named = files_.sync_dir(context_, leash::fs::parent_path(file_->path())); !named) {
      return leveldb_status(named);
    }
    name_is_durable_ = true;
  }
  return leveldb_status(file_->sync_data());
}

LeveldbLogger::LeveldbLogger(std::unique_ptr<File> file) : file_(std::move(file)) {}

LeveldbLogger::~LeveldbLogger() { (void)file_->close(); }

void LeveldbLogger::Logv(const char* format, std::va_list arguments) {
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size() - 1, format, arguments);
  if (length < 0) return;
  std::size_t size = std::min(static_cast<std::size_t>(length), line.size() - 2);
  if (size == 0 || line[size - 1] != '\n') line[size++] = '\n';
  (void)file_->write(std::string_view(line.data(), size));
}

LeveldbLock::LeveldbLock(std::unique_ptr<File> file) : file_(std::move(file)) {}

Status LeveldbLock::unlock() {
  const auto unlocked = file_->unlock();
  const auto closed = file_->close();
  return leveldb_status(unlocked ? closed : unlocked);
}

}  // namespace sweep_foreign
