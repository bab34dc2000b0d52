#include <cstring>
#include <leash/context.hpp>
#include <leash/fs/detail/memory_file.hpp>
#include <leash/fs/detail/memory_mapping.hpp>
#include <leash/fs/detail/memory_rare.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/path.hpp>
#include <mutex>
#include <new>
#include <shared_mutex>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// In bytes: a map of holes makes tables for each chunk, and asks for the addresses of all.
constexpr std::size_t longest_map = std::size_t{1} << 36U;

}  // namespace

std::unique_ptr<File> MemoryFile::make(NodeRef node, std::string_view path, const OpenOptions& options) {
  void* const memory = ::operator new(sizeof(MemoryFile) + path.size());
  return std::unique_ptr<File>(new (memory) MemoryFile(std::move(node), path, options));
}

MemoryFile::MemoryFile(NodeRef node, std::string_view path, const OpenOptions& options) noexcept
    : node_(std::move(node)),
      path_size_(static_cast<std::uint32_t>(path.size())),
      readable_(options.read),
      writable_(options.write),
      appends_(options.append) {
  std::memcpy(static_cast<void*>(this + 1), path.data(), path.size());
}

MemoryFile::~MemoryFile() { free_locks(); }

void MemoryFile::free_locks() {
  if (node_ && has_locked_.load(std::memory_order_relaxed)) node_->locks().unlock_all(this);
}

inline Result<void> MemoryFile::check(std::string_view operation, Need need) const {
  if (node_ && access().meets(need)) [[likely]]
    return {};
  return fail_check(operation, need);
}

std::unexpected<Error> MemoryFile::fail_check(std::string_view operation, Need need) const {
  if (!node_) return fail(operation, path(), std::errc::bad_file_descriptor);
  return fail_unmet(operation, path(), access(), need);
}

std::size_t MemoryFile::read_content(std::span<std::byte> buffer, std::uint64_t offset) const {
  const std::shared_lock lock(node_->lock);
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
  const std::optional<std::uint64_t> offset = appends_ ? std::nullopt : std::optional(position_);
  const Outcome<std::uint64_t> end = node_->tree().write(*node_, offset, data);
  if (!end) return fail("write", path(), end.error());
  position_ = *end;
  return {};
}

Result<std::size_t> MemoryFile::do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location) {
  if (auto ready = check("read_at", Need::read); !ready) return std::unexpected(ready.error());
  return read_content(buffer, offset);
}

Result<void> MemoryFile::do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location) {
  if (auto ready = check("write_at", Need::write); !ready) return ready;
  if (appends_) return fail("write_at", path(), std::errc::invalid_argument, "opened for appending");
  if (data.empty()) return {};
  const Outcome<std::uint64_t> end = node_->tree().write(*node_, offset, data);
  if (!end) return fail("write_at", path(), end.error());
  return {};
}

Result<std::uint64_t> MemoryFile::do_seek(std::int64_t offset, Whence whence, std::source_location) {
  if (auto ready = check("seek", Need::content); !ready) return std::unexpected(ready.error());
  std::uint64_t from = 0;
  if (whence == Whence::current) from = position_;
  if (whence == Whence::end) {
    const std::shared_lock lock(node_->lock);
    from = node_->content.size();
  }
  std::int64_t position = 0;
  if (__builtin_add_overflow(static_cast<std::int64_t>(from), offset, &position) || position < 0) {
    return fail("seek", path(), std::errc::invalid_argument);
  }
  position_ = static_cast<std::uint64_t>(position);
  return position_;
}

Result<void> MemoryFile::do_truncate(std::uint64_t size, std::source_location) {
  if (auto ready = check("truncate", Need::write); !ready) return ready;
  node_->tree().set_size(*node_, size);
  return {};
}

Result<void> MemoryFile::do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location) {
  if (auto ready = check("allocate", Need::write); !ready) return ready;
  if (size == 0) return fail("allocate", path(), std::errc::invalid_argument);
  const Outcome<void> done = node_->tree().allocate(*node_, offset, size);
  if (!done) return fail("allocate", path(), done.error());
  return {};
}

Result<void> MemoryFile::do_sync(std::source_location) {
  if (auto ready = check("sync", Need::open); !ready) return ready;
  node_->tree().sync(*node_);
  return {};
}

Result<void> MemoryFile::do_sync_data(std::source_location) {
  if (auto ready = check("sync_data", Need::open); !ready) return ready;
  node_->tree().sync(*node_);
  return {};
}

Result<FileInfo> MemoryFile::do_stat(std::source_location) {
  if (auto ready = check("stat", Need::open); !ready) return std::unexpected(ready.error());
  return node_->tree().info(*node_, base_name(path()));
}

Result<void> MemoryFile::do_chmod(std::uint32_t mode, std::source_location) {
  if (auto ready = check("chmod", Need::open); !ready) return ready;
  node_->tree().set_mode(*node_, mode);
  return {};
}

Result<void> MemoryFile::do_set_times(std::optional<Clock::system_time_point> accessed,
                                      std::optional<Clock::system_time_point> modified, std::source_location) {
  if (auto ready = check("set_times", Need::open); !ready) return ready;
  node_->tree().set_times(*node_, accessed, modified);
  return {};
}

Result<void> MemoryFile::do_try_lock(LockMode mode, LockRange range, std::source_location) {
  if (auto ready = check("try_lock", need_of(mode, access())); !ready) return ready;
  has_locked_.store(true, std::memory_order_relaxed);
  if (node_->locks().try_lock(this, mode, range)) return {};
  return fail("try_lock", path(), std::errc::resource_unavailable_try_again);
}

Result<void> MemoryFile::do_lock(Call call, LockMode mode, LockRange range) {
  if (auto ready = check("lock", need_of(mode, access())); !ready) return ready;
  has_locked_.store(true, std::memory_order_relaxed);
  if (node_->locks().lock(call, this, mode, range)) return {};
  return call.context().check("lock", path());
}

Result<void> MemoryFile::do_unlock(LockRange range, std::source_location) {
  if (auto ready = check("unlock", Need::open); !ready) return ready;
  if (has_locked_.load(std::memory_order_relaxed)) node_->locks().unlock(this, range);
  return {};
}

Result<std::unique_ptr<Mapping>> MemoryFile::do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                                    std::source_location) {
  if (auto ready = check("map", Need::read); !ready) return std::unexpected(ready.error());
  if (mode == MapMode::write) {
    if (auto ready = check("map", Need::write); !ready) return std::unexpected(ready.error());
  }
  if (size > longest_map) return fail("map", path(), std::errc::not_enough_memory);
  const Outcome<Content::Mapped> mapped = node_->tree().map(*node_, offset, size);
  if (!mapped) {
    const bool behind = mapped.error() == std::errc::invalid_argument;
    return fail("map", path(), mapped.error(), behind ? "the range ends behind the file" : "");
  }
  if (mapped->block == nullptr) {
    return fail("map", path(), std::errc::device_or_resource_busy, "other maps overlap the range");
  }
  return MemoryMapping::make(node_, *mapped, offset, size, mode, path());
}

Result<int> MemoryFile::do_release(std::source_location) {
  if (auto ready = check("release", Need::open); !ready) return std::unexpected(ready.error());
  return fail("release", path(), std::errc::operation_not_supported, "a file in memory has no descriptor");
}

Result<void> MemoryFile::do_close(std::source_location) {
  if (!node_) return fail("close", path(), std::errc::bad_file_descriptor);
  free_locks();
  node_ = nullptr;
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
