#include <leash/fs/detail/memory_file.hpp>
#include <leash/fs/path.hpp>
#include <mutex>
#include <shared_mutex>

namespace LEASH_NAMESPACE::fs::detail {

Result<void> MemoryFile::check(std::string_view operation, Need need) const {
  if (closed_.load(std::memory_order_relaxed)) return fail(operation, path_, std::errc::bad_file_descriptor);
  if (need == Need::read && !options_.read) {
    return fail(operation, path_, std::errc::permission_denied, "not opened for reading");
  }
  if (need == Need::write && !options_.write) {
    return fail(operation, path_, std::errc::permission_denied, "not opened for writing");
  }
  if (need != Need::open && node_->is_directory()) return fail(operation, path_, std::errc::is_a_directory);
  return {};
}

std::size_t MemoryFile::read_content(std::span<std::byte> buffer, std::uint64_t offset) const {
  const std::shared_lock lock(node_->mutex);
  return node_->content.read(offset, buffer);
}

Result<std::size_t> MemoryFile::do_read(std::span<std::byte> buffer, std::source_location) {
  if (auto ready = check("read", Need::read); !ready) return std::unexpected(ready.error());
  const std::size_t count = read_content(buffer, position_);
  position_ += count;
  return count;
}

Result<void> MemoryFile::do_write(std::span<const std::byte> data, std::source_location) {
  if (auto ready = check("write", Need::write); !ready) return ready;
  if (data.empty()) return {};
  const Clock::system_time_point now = tree_->now();
  const std::unique_lock lock(node_->mutex);
  const std::uint64_t offset = options_.append ? node_->content.size() : position_;
  if (data.size() > max_size - offset) return fail("write", path_, std::errc::file_too_large);
  node_->content.write(offset, data);
  node_->modified = node_->changed = now;
  position_ = offset + data.size();
  return {};
}

Result<std::size_t> MemoryFile::do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location) {
  if (auto ready = check("read_at", Need::read); !ready) return std::unexpected(ready.error());
  return read_content(buffer, offset);
}

Result<void> MemoryFile::do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location) {
  if (auto ready = check("write_at", Need::write); !ready) return ready;
  if (options_.append) return fail("write_at", path_, std::errc::invalid_argument, "opened for appending");
  if (data.empty()) return {};
  const Clock::system_time_point now = tree_->now();
  const std::unique_lock lock(node_->mutex);
  node_->content.write(offset, data);
  node_->modified = node_->changed = now;
  return {};
}

Result<std::uint64_t> MemoryFile::do_seek(std::int64_t offset, Whence whence, std::source_location) {
  if (auto ready = check("seek", Need::content); !ready) return std::unexpected(ready.error());
  std::uint64_t from = 0;
  if (whence == Whence::current) from = position_;
  if (whence == Whence::end) {
    const std::shared_lock lock(node_->mutex);
    from = node_->content.size();
  }
  std::int64_t position = 0;
  if (__builtin_add_overflow(static_cast<std::int64_t>(from), offset, &position) || position < 0) {
    return fail("seek", path_, std::errc::invalid_argument);
  }
  position_ = static_cast<std::uint64_t>(position);
  return position_;
}

Result<void> MemoryFile::do_truncate(std::uint64_t size, std::source_location) {
  if (auto ready = check("truncate", Need::write); !ready) return ready;
  truncate_content(*node_, size, tree_->now());
  return {};
}

Result<void> MemoryFile::do_sync(std::source_location) { return check("sync", Need::open); }

Result<FileInfo> MemoryFile::do_stat(std::source_location) {
  if (auto ready = check("stat", Need::open); !ready) return std::unexpected(ready.error());
  return tree_->info(*node_, base_name(path_));
}

Result<int> MemoryFile::do_release(std::source_location) {
  if (auto ready = check("release", Need::open); !ready) return std::unexpected(ready.error());
  return fail("release", path_, std::errc::operation_not_supported, "a file in memory has no descriptor");
}

Result<void> MemoryFile::do_close(std::source_location) {
  if (closed_.exchange(true)) return fail("close", path_, std::errc::bad_file_descriptor);
  return {};
}

Result<std::vector<DirEntry>> MemoryDir::do_read(std::size_t max, std::source_location) {
  if (closed_) return fail("read", path_, std::errc::bad_file_descriptor);
  std::vector<DirEntry> entries = tree_->list(*node_, last_name_, max);
  if (!entries.empty()) last_name_ = entries.back().name;
  return entries;
}

Result<FileInfo> MemoryDir::do_stat(std::source_location) {
  if (closed_) return fail("stat", path_, std::errc::bad_file_descriptor);
  return tree_->info(*node_, base_name(path_));
}

Result<void> MemoryDir::do_close(std::source_location) {
  if (std::exchange(closed_, true)) return fail("close", path_, std::errc::bad_file_descriptor);
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
