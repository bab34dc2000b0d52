#pragma once

#include <leash/config.hpp>
#include <leash/fs/dir.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_system.hpp>
#include <memory>
#include <utility>

namespace LEASH_NAMESPACE::fs {

/// A file system that passes every operation on to another one, the inner file system. A decorator derives from it,
/// overrides the operations that it changes, and passes one on with `ProxyFileSystem::do_open(call, path, options)`.
///
/// An operation calls the `do_…` function of the inner file system, without the checks of its public member: that of
/// the outermost file system has made them. The inner file system must outlive this one. Handles that were opened
/// through this one may outlive both.
class ProxyFileSystem : public FileSystem {
 public:
  explicit ProxyFileSystem(FileSystem& inner) noexcept : inner_(&inner) {}

  FileSystem& inner() const noexcept { return *inner_; }

 protected:
  Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options) override;
  Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path) override;
  Result<FileInfo> do_stat(Call call, std::string_view path) override;
  Result<FileInfo> do_lstat(Call call, std::string_view path) override;
  Result<std::vector<DirEntry>> do_read_dir(Call call, std::string_view path) override;
  Result<std::vector<FileInfo>> do_read_dir_info(Call call, std::string_view path) override;
  Result<void> do_mkdir(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_remove(Call call, std::string_view path) override;
  Result<void> do_remove_file(Call call, std::string_view path) override;
  Result<void> do_remove_dir(Call call, std::string_view path) override;
  Result<void> do_remove_all(Call call, std::string_view path) override;
  Result<void> do_rename(Call call, std::string_view from, std::string_view to) override;
  Result<void> do_link(Call call, std::string_view existing, std::string_view path) override;
  Result<void> do_symlink(Call call, std::string_view target, std::string_view path) override;
  Result<std::string> do_read_link(Call call, std::string_view path) override;
  Result<void> do_chmod(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_set_times(Call call, std::string_view path, std::optional<Clock::system_time_point> accessed,
                            std::optional<Clock::system_time_point> modified) override;
  Result<void> do_truncate(Call call, std::string_view path, std::uint64_t size) override;
  Result<void> do_sync_dir(Call call, std::string_view path) override;
  Result<Space> do_space(Call call, std::string_view path) override;

 private:
  FileSystem* inner_;
};

/// A file that passes every operation on to another one, which it owns. A decorator derives from it.
class ProxyFile : public File {
 public:
  /// Throws `std::logic_error` if `inner` is null.
  explicit ProxyFile(std::unique_ptr<File> inner) : inner_(std::move(inner)) {
    if (!inner_) throw_null();
  }

  File& inner() const noexcept { return *inner_; }

 protected:
  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return inner_->do_read(buffer, site);
  }
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    return inner_->do_write(data, site);
  }
  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site) override;
  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override;
  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override;
  Result<void> do_truncate(std::uint64_t size, std::source_location site) override;
  Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) override;
  Result<void> do_sync(std::source_location site) override;
  Result<void> do_sync_data(std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<void> do_chmod(std::uint32_t mode, std::source_location site) override;
  Result<void> do_set_times(std::optional<Clock::system_time_point> accessed,
                            std::optional<Clock::system_time_point> modified, std::source_location site) override;
  Result<void> do_try_lock(LockMode mode, LockRange range, std::source_location site) override;
  Result<void> do_lock(Call call, LockMode mode, LockRange range) override;
  Result<void> do_unlock(LockRange range, std::source_location site) override;
  Result<std::unique_ptr<Mapping>> do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                          std::source_location site) override;
  Result<int> do_release(std::source_location site) override;
  Result<void> do_close(std::source_location site) override { return inner_->do_close(site); }
  int do_native_handle() const noexcept override;
  std::string_view do_path() const noexcept override;

 private:
  [[noreturn]] static void throw_null();

  std::unique_ptr<File> inner_;
};

/// A mapping that passes every operation on to another one, which it owns. A decorator derives from it.
class ProxyMapping : public Mapping {
 public:
  /// Throws `std::logic_error` if `inner` is null.
  explicit ProxyMapping(std::unique_ptr<Mapping> inner);

  Mapping& inner() const noexcept { return *inner_; }

 protected:
  std::span<const std::byte> do_bytes() const noexcept override;
  std::span<std::byte> do_writable_bytes() const noexcept override;
  Result<void> do_sync(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  std::string_view do_path() const noexcept override;

 private:
  std::unique_ptr<Mapping> inner_;
};

/// A directory that passes every operation on to another one, which it owns. A decorator derives from it.
class ProxyDir : public Dir {
 public:
  /// Throws `std::logic_error` if `inner` is null.
  explicit ProxyDir(std::unique_ptr<Dir> inner);

  Dir& inner() const noexcept { return *inner_; }

 protected:
  Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  int do_native_handle() const noexcept override;
  std::string_view do_path() const noexcept override;

 private:
  std::unique_ptr<Dir> inner_;
};

}  // namespace LEASH_NAMESPACE::fs
