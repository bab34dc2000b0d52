#include <algorithm>
#include <leash/fs/file.hpp>

namespace LEASH_NAMESPACE::fs {
namespace {

std::unexpected<Error> unsupported(std::string_view operation, const File& file) {
  return fail(operation, file.path(), std::errc::operation_not_supported);
}

/// Whether the last byte of `range` is not behind that of the largest file.
bool ends_within_limits(LockRange range) {
  constexpr std::uint64_t limit = INT64_MAX;
  return range.offset <= limit && (range.size == 0 || range.size - 1 <= limit - range.offset);
}

}  // namespace

File::~File() = default;

Result<void> File::write(std::string_view text, std::source_location site) {
  return do_write(std::as_bytes(std::span(text)), site);
}

Result<std::size_t> File::read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site) {
  // No file has bytes behind `max_size`: reading there gives 0 bytes. pread(2) would fail with EINVAL instead.
  offset = std::min(offset, max_size);
  return do_read_at(buffer.first(std::min<std::uint64_t>(buffer.size(), max_size - offset)), offset, site);
}

Result<void> File::write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) {
  if (offset > max_size || data.size() > max_size - offset) {
    return fail("write_at", path(), std::errc::file_too_large);
  }
  return do_write_at(data, offset, site);
}

Result<void> File::write_at(std::string_view text, std::uint64_t offset, std::source_location site) {
  return write_at(std::as_bytes(std::span(text)), offset, site);
}

Result<void> File::truncate(std::uint64_t size, std::source_location site) {
  if (size > max_size) return fail("truncate", path(), std::errc::file_too_large);
  return do_truncate(size, site);
}

Result<void> File::allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) {
  if (offset > max_size || size > max_size - offset) return fail("allocate", path(), std::errc::file_too_large);
  return do_allocate(offset, size, site);
}

Result<void> File::sync_data(std::source_location site) { return do_sync_data(site); }

Result<FileInfo> File::stat(std::source_location site) { return do_stat(site); }

Result<void> File::chmod(std::uint32_t mode, std::source_location site) {
  if ((mode & ~07777U) != 0) {
    return fail("chmod", path(), std::errc::invalid_argument, "mode has bits other than permissions");
  }
  return do_chmod(mode, site);
}

Result<void> File::set_times(std::optional<Clock::system_time_point> accessed,
                             std::optional<Clock::system_time_point> modified, std::source_location site) {
  return do_set_times(accessed, modified, site);
}

Result<void> File::try_lock(LockMode mode, LockRange range, std::source_location site) {
  if (!ends_within_limits(range)) return fail("try_lock", path(), std::errc::value_too_large);
  return do_try_lock(mode, range, site);
}

Result<void> File::lock(Call call, LockMode mode, LockRange range) {
  if (auto checked = call.context().check("lock", path()); !checked) return checked;
  if (!ends_within_limits(range)) return fail("lock", path(), std::errc::value_too_large);
  return do_lock(call, mode, range);
}

Result<void> File::unlock(LockRange range, std::source_location site) {
  if (!ends_within_limits(range)) return fail("unlock", path(), std::errc::value_too_large);
  return do_unlock(range, site);
}

Result<std::unique_ptr<Mapping>> File::map(std::uint64_t offset, std::size_t size, MapMode mode,
                                           std::source_location site) {
  if (size == 0) return fail("map", path(), std::errc::invalid_argument, "a size of 0");
  if (offset > max_size || size > max_size - offset) {
    return fail("map", path(), std::errc::invalid_argument, "the range ends behind the file");
  }
  return do_map(offset, size, mode, site);
}

Result<int> File::release(std::source_location site) { return do_release(site); }

Result<std::size_t> File::do_read(std::span<std::byte>, std::source_location) { return unsupported("read", *this); }

Result<void> File::do_write(std::span<const std::byte>, std::source_location) { return unsupported("write", *this); }

Result<std::size_t> File::do_read_at(std::span<std::byte>, std::uint64_t, std::source_location) {
  return unsupported("read_at", *this);
}

Result<void> File::do_write_at(std::span<const std::byte>, std::uint64_t, std::source_location) {
  return unsupported("write_at", *this);
}

Result<std::uint64_t> File::do_seek(std::int64_t, Whence, std::source_location) { return unsupported("seek", *this); }

Result<void> File::do_truncate(std::uint64_t, std::source_location) { return unsupported("truncate", *this); }

Result<void> File::do_allocate(std::uint64_t, std::uint64_t, std::source_location) {
  return unsupported("allocate", *this);
}

Result<void> File::do_sync(std::source_location) { return unsupported("sync", *this); }

Result<void> File::do_sync_data(std::source_location) { return unsupported("sync_data", *this); }

Result<FileInfo> File::do_stat(std::source_location) { return unsupported("stat", *this); }

Result<void> File::do_chmod(std::uint32_t, std::source_location) { return unsupported("chmod", *this); }

Result<void> File::do_set_times(std::optional<Clock::system_time_point>, std::optional<Clock::system_time_point>,
                                std::source_location) {
  return unsupported("set_times", *this);
}

Result<void> File::do_try_lock(LockMode, LockRange, std::source_location) { return unsupported("try_lock", *this); }

Result<void> File::do_lock(Call, LockMode, LockRange) { return unsupported("lock", *this); }

Result<void> File::do_unlock(LockRange, std::source_location) { return unsupported("unlock", *this); }

Result<std::unique_ptr<Mapping>> File::do_map(std::uint64_t, std::size_t, MapMode, std::source_location) {
  return unsupported("map", *this);
}

Result<int> File::do_release(std::source_location) { return unsupported("release", *this); }

int File::do_native_handle() const noexcept { return -1; }

}  // namespace LEASH_NAMESPACE::fs
