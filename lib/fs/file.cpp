#include <algorithm>
#include <leash/fs/file.hpp>

namespace LEASH_NAMESPACE::fs {
namespace {

std::unexpected<Error> unsupported(std::string_view operation, const File& file) {
  return fail(operation, file.path(), std::errc::operation_not_supported);
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

Result<FileInfo> File::stat(std::source_location site) { return do_stat(site); }

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

Result<FileInfo> File::do_stat(std::source_location) { return unsupported("stat", *this); }

Result<int> File::do_release(std::source_location) { return unsupported("release", *this); }

int File::do_native_handle() const noexcept { return -1; }

}  // namespace LEASH_NAMESPACE::fs
