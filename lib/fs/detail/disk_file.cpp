#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <leash/fs/detail/disk_file.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/fs/detail/named.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/detail/quiet_write.hpp>
#include <leash/fs/path.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

int to_seek_origin(Whence whence) {
  switch (whence) {
    case Whence::begin:
      return SEEK_SET;
    case Whence::current:
      return SEEK_CUR;
    case Whence::end:
      return SEEK_END;
  }
  return -1;
}

/// How many bytes there are between the file's position and the greatest offset. read(2) and write(2) fail with EINVAL
/// for a buffer that is larger than that, even if the file has fewer bytes.
std::uint64_t bytes_to_max_offset(int descriptor) noexcept {
  const off_t position = ::lseek(descriptor, 0, SEEK_CUR);
  return static_cast<std::uint64_t>(position < 0 ? INT64_MAX : INT64_MAX - position);
}

}  // namespace

DiskFile::~DiskFile() {
  if (const int descriptor = do_native_handle(); descriptor >= 0) os::close_own(descriptor);
}

Result<int> DiskFile::check(std::string_view operation, Need need) const {
  const int descriptor = do_native_handle();
  if (descriptor < 0) return fail(operation, path_, std::errc::bad_file_descriptor);
  if (need == Need::read && !options_.read) {
    return fail(operation, path_, std::errc::permission_denied, "not opened for reading");
  }
  if (need == Need::write && !options_.write) {
    return fail(operation, path_, std::errc::permission_denied, "not opened for writing");
  }
  if (need != Need::open && options_.directory) return fail(operation, path_, std::errc::is_a_directory);
  return descriptor;
}

std::unexpected<Error> DiskFile::failed(std::string_view operation) const {
  return fail(operation, path_, os::last_error());
}

Result<std::size_t> DiskFile::do_read(std::span<std::byte> buffer, std::source_location site) {
  const Result<int> descriptor = check("read", Need::read);
  if (!descriptor) return std::unexpected(descriptor.error());
  const ssize_t count = os::retry([&] { return ::read(*descriptor, buffer.data(), buffer.size()); });
  if (count < 0) {
    const std::error_code code = os::last_error();
    const std::uint64_t allowed =
        code == std::errc::invalid_argument ? bytes_to_max_offset(*descriptor) : buffer.size();
    if (allowed < buffer.size()) {
      return allowed == 0 ? 0 : do_read(buffer.first(static_cast<std::size_t>(allowed)), site);
    }
    return fail("read", path_, code);
  }
  return static_cast<std::size_t>(count);
}

/// Whether `write` may raise SIGPIPE: it may for all but regular files. `write_at` cannot raise it, since pwrite(2) on
/// a FIFO or a socket fails with ESPIPE.
bool DiskFile::may_raise_sigpipe(int descriptor) noexcept {
  if (!regular_) {
    struct stat status{};
    regular_ = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  }
  return !*regular_;
}

Result<void> DiskFile::do_write(std::span<const std::byte> data, std::source_location) {
  const Result<int> descriptor = check("write", Need::write);
  if (!descriptor) return std::unexpected(descriptor.error());
  const bool may_raise = may_raise_sigpipe(*descriptor);
  while (!data.empty()) {
    const ssize_t count = os::retry(
        [&] { return may_raise ? quiet_write(*descriptor, data) : ::write(*descriptor, data.data(), data.size()); });
    if (count < 0) {
      const std::error_code code = os::last_error();
      const bool too_large = code == std::errc::invalid_argument && data.size() > bytes_to_max_offset(*descriptor);
      return fail("write", path_, too_large ? std::make_error_code(std::errc::file_too_large) : code);
    }
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::size_t> DiskFile::do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location) {
  const Result<int> descriptor = check("read_at", Need::read);
  if (!descriptor) return std::unexpected(descriptor.error());
  std::size_t total = 0;
  while (total != buffer.size()) {
    const auto rest = buffer.subspan(total);
    const auto at = static_cast<off_t>(offset + total);
    const ssize_t count = os::retry([&] { return ::pread(*descriptor, rest.data(), rest.size(), at); });
    if (count < 0) return failed("read_at");
    if (count == 0) break;
    total += static_cast<std::size_t>(count);
  }
  return total;
}

Result<void> DiskFile::do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location) {
  const Result<int> descriptor = check("write_at", Need::write);
  if (!descriptor) return std::unexpected(descriptor.error());
  // Linux ignores the offset of pwrite(2) on such a descriptor, and appends.
  if (options_.append) return fail("write_at", path_, std::errc::invalid_argument, "opened for appending");
  while (!data.empty()) {
    const auto at = static_cast<off_t>(offset);
    const ssize_t count = os::retry([&] { return ::pwrite(*descriptor, data.data(), data.size(), at); });
    if (count < 0) return failed("write_at");
    offset += static_cast<std::uint64_t>(count);
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::uint64_t> DiskFile::do_seek(std::int64_t offset, Whence whence, std::source_location) {
  const Result<int> descriptor = check("seek", Need::content);
  if (!descriptor) return std::unexpected(descriptor.error());
  const off_t position = ::lseek(*descriptor, offset, to_seek_origin(whence));
  if (position < 0) {
    // `seek` promises `invalid_argument` for every position out of range; lseek(2) has another code for one too large.
    if (errno == EOVERFLOW) errno = EINVAL;
    return failed("seek");
  }
  return static_cast<std::uint64_t>(position);
}

Result<void> DiskFile::do_truncate(std::uint64_t size, std::source_location) {
  const Result<int> descriptor = check("truncate", Need::write);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (os::retry([&] { return ::ftruncate(*descriptor, static_cast<off_t>(size)); }) != 0) return failed("truncate");
  return {};
}

Result<void> DiskFile::do_sync(std::source_location) {
  const Result<int> descriptor = check("sync", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (os::retry([&] { return ::fsync(*descriptor); }) != 0) return failed("sync");
  return {};
}

Result<FileInfo> DiskFile::do_stat(std::source_location) {
  const Result<int> descriptor = check("stat", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  return named("stat", path_, info_of(*descriptor, base_name(path_)));
}

Result<int> DiskFile::do_release(std::source_location) {
  const int descriptor = descriptor_.exchange(-1);
  if (descriptor < 0) return fail("release", path_, std::errc::bad_file_descriptor);
  os::give_away(descriptor);
  return descriptor;
}

Result<void> DiskFile::do_close(std::source_location) {
  const int descriptor = descriptor_.exchange(-1);
  if (descriptor < 0) return fail("close", path_, std::errc::bad_file_descriptor);
  // No retry after EINTR: on Linux, the descriptor is closed whatever close(2) returns.
  if (os::close_own(descriptor) != 0) return failed("close");
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
