#include <leash/fs/proxy.hpp>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::fs {

Result<std::unique_ptr<File>> ProxyFileSystem::do_open(Call call, std::string_view path, const OpenOptions& options) {
  return inner_->do_open(call, path, options);
}

Result<std::unique_ptr<Dir>> ProxyFileSystem::do_open_dir(Call call, std::string_view path) {
  return inner_->do_open_dir(call, path);
}

Result<FileInfo> ProxyFileSystem::do_stat(Call call, std::string_view path) { return inner_->do_stat(call, path); }

Result<FileInfo> ProxyFileSystem::do_lstat(Call call, std::string_view path) { return inner_->do_lstat(call, path); }

Result<std::vector<DirEntry>> ProxyFileSystem::do_read_dir(Call call, std::string_view path) {
  return inner_->do_read_dir(call, path);
}

Result<std::vector<FileInfo>> ProxyFileSystem::do_read_dir_info(Call call, std::string_view path) {
  return inner_->do_read_dir_info(call, path);
}

Result<void> ProxyFileSystem::do_mkdir(Call call, std::string_view path, std::uint32_t mode) {
  return inner_->do_mkdir(call, path, mode);
}

Result<void> ProxyFileSystem::do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) {
  return inner_->do_mkdir_all(call, path, mode);
}

Result<void> ProxyFileSystem::do_remove(Call call, std::string_view path) { return inner_->do_remove(call, path); }

Result<void> ProxyFileSystem::do_remove_file(Call call, std::string_view path) {
  return inner_->do_remove_file(call, path);
}

Result<void> ProxyFileSystem::do_remove_dir(Call call, std::string_view path) {
  return inner_->do_remove_dir(call, path);
}

Result<void> ProxyFileSystem::do_remove_all(Call call, std::string_view path) {
  return inner_->do_remove_all(call, path);
}

Result<void> ProxyFileSystem::do_rename(Call call, std::string_view from, std::string_view to) {
  return inner_->do_rename(call, from, to);
}

Result<void> ProxyFileSystem::do_link(Call call, std::string_view existing, std::string_view path) {
  return inner_->do_link(call, existing, path);
}

Result<void> ProxyFileSystem::do_symlink(Call call, std::string_view target, std::string_view path) {
  return inner_->do_symlink(call, target, path);
}

Result<std::string> ProxyFileSystem::do_read_link(Call call, std::string_view path) {
  return inner_->do_read_link(call, path);
}

Result<void> ProxyFileSystem::do_chmod(Call call, std::string_view path, std::uint32_t mode) {
  return inner_->do_chmod(call, path, mode);
}

Result<void> ProxyFileSystem::do_set_times(Call call, std::string_view path,
                                           std::optional<Clock::system_time_point> accessed,
                                           std::optional<Clock::system_time_point> modified) {
  return inner_->do_set_times(call, path, accessed, modified);
}

Result<void> ProxyFileSystem::do_truncate(Call call, std::string_view path, std::uint64_t size) {
  return inner_->do_truncate(call, path, size);
}

Result<void> ProxyFileSystem::do_sync_dir(Call call, std::string_view path) { return inner_->do_sync_dir(call, path); }

Result<Space> ProxyFileSystem::do_space(Call call, std::string_view path) { return inner_->do_space(call, path); }

void ProxyFile::throw_null() { throw std::logic_error("leash: ProxyFile: the inner file is null"); }

Result<std::size_t> ProxyFile::do_read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                          std::source_location site) {
  return inner_->do_read_at(buffer, offset, site);
}

Result<void> ProxyFile::do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) {
  return inner_->do_write_at(data, offset, site);
}

Result<std::uint64_t> ProxyFile::do_seek(std::int64_t offset, Whence whence, std::source_location site) {
  return inner_->do_seek(offset, whence, site);
}

Result<void> ProxyFile::do_truncate(std::uint64_t size, std::source_location site) {
  return inner_->do_truncate(size, site);
}

Result<void> ProxyFile::do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) {
  return inner_->do_allocate(offset, size, site);
}

Result<void> ProxyFile::do_sync(std::source_location site) { return inner_->do_sync(site); }

Result<void> ProxyFile::do_sync_data(std::source_location site) { return inner_->do_sync_data(site); }

Result<FileInfo> ProxyFile::do_stat(std::source_location site) { return inner_->do_stat(site); }

Result<void> ProxyFile::do_chmod(std::uint32_t mode, std::source_location site) { return inner_->do_chmod(mode, site); }

Result<void> ProxyFile::do_set_times(std::optional<Clock::system_time_point> accessed,
                                     std::optional<Clock::system_time_point> modified, std::source_location site) {
  return inner_->do_set_times(accessed, modified, site);
}

Result<void> ProxyFile::do_try_lock(LockMode mode, LockRange range, std::source_location site) {
  return inner_->do_try_lock(mode, range, site);
}

Result<void> ProxyFile::do_lock(Call call, LockMode mode, LockRange range) {
  return inner_->do_lock(call, mode, range);
}

Result<void> ProxyFile::do_unlock(LockRange range, std::source_location site) { return inner_->do_unlock(range, site); }

Result<std::unique_ptr<Mapping>> ProxyFile::do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                                   std::source_location site) {
  return inner_->do_map(offset, size, mode, site);
}

Result<int> ProxyFile::do_release(std::source_location site) { return inner_->do_release(site); }

int ProxyFile::do_native_handle() const noexcept { return inner_->do_native_handle(); }

std::string_view ProxyFile::do_path() const noexcept { return inner_->do_path(); }

ProxyMapping::ProxyMapping(std::unique_ptr<Mapping> inner) : inner_(std::move(inner)) {
  if (!inner_) throw std::logic_error("leash: ProxyMapping: the inner mapping is null");
}

std::span<const std::byte> ProxyMapping::do_bytes() const noexcept { return inner_->do_bytes(); }

std::span<std::byte> ProxyMapping::do_writable_bytes() const noexcept { return inner_->do_writable_bytes(); }

Result<void> ProxyMapping::do_sync(std::source_location site) { return inner_->do_sync(site); }

Result<void> ProxyMapping::do_close(std::source_location site) { return inner_->do_close(site); }

std::string_view ProxyMapping::do_path() const noexcept { return inner_->do_path(); }

ProxyDir::ProxyDir(std::unique_ptr<Dir> inner) : inner_(std::move(inner)) {
  if (!inner_) throw std::logic_error("leash: ProxyDir: the inner directory is null");
}

Result<std::vector<DirEntry>> ProxyDir::do_read(std::size_t max, std::source_location site) {
  return inner_->do_read(max, site);
}

Result<FileInfo> ProxyDir::do_stat(std::source_location site) { return inner_->do_stat(site); }

Result<void> ProxyDir::do_close(std::source_location site) { return inner_->do_close(site); }

int ProxyDir::do_native_handle() const noexcept { return inner_->do_native_handle(); }

std::string_view ProxyDir::do_path() const noexcept { return inner_->do_path(); }

}  // namespace LEASH_NAMESPACE::fs
