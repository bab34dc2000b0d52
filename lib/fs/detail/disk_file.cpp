#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <leash/fs/detail/disk_attributes.hpp>
#include <leash/fs/detail/disk_file.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/fs/detail/disk_lock.hpp>
#include <leash/fs/detail/disk_mapping.hpp>
#include <leash/fs/detail/named.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/detail/quiet_write.hpp>
#include <leash/fs/path.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <leash/sleep.hpp>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// How long `lock` waits before it asks again: at first, and at most.
constexpr std::chrono::milliseconds first_wait{1};
constexpr std::chrono::milliseconds longest_wait{50};

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

/// Moves the position to the end of the file if `size` bytes may follow there. write(2) refuses data that does not fit
/// behind the position, even where it would be appended.
bool go_to_end(int descriptor, std::size_t size) noexcept {
  const off_t position = ::lseek(descriptor, 0, SEEK_CUR);
  if (position < 0 || ::lseek(descriptor, 0, SEEK_END) < 0) return false;
  if (size <= bytes_to_max_offset(descriptor)) return true;
  ::lseek(descriptor, position, SEEK_SET);
  return false;
}

/// Tells this process from those that it was forked from. Not 0.
std::uint64_t this_process() noexcept { return os::fork_generation() + std::uint64_t{1}; }

}  // namespace

std::unique_ptr<DiskFile> DiskFile::make(os::Descriptor descriptor, std::string_view path, const OpenOptions& options) {
  return std::unique_ptr<DiskFile>(new (Room{path.size()}) DiskFile(std::move(descriptor), path, options));
}

DiskFile::DiskFile(os::Descriptor descriptor, std::string_view path, const OpenOptions& options) noexcept
    : path_(reinterpret_cast<const char*>(this + 1), path.size()), options_(options), descriptor_(-1) {
  if (!path.empty()) std::memcpy(static_cast<void*>(this + 1), path.data(), path.size());
  take(std::move(descriptor));
}

void DiskFile::take(os::Descriptor descriptor) noexcept {
  os::hand_out(descriptor.get());
  descriptor_.store(descriptor.release(), std::memory_order_relaxed);
}

DiskFile::~DiskFile() {
  const int descriptor = do_native_handle();
  if (descriptor < 0) return;
  free_locks_that_maps_keep(descriptor);
  os::close_own(descriptor);
}

/// To be called before the descriptor is closed. A map keeps the open file, and so its locks, beyond that. A process
/// that has inherited the handle leaves alone what the other one has locked.
void DiskFile::free_locks_that_maps_keep(int descriptor) noexcept {
  if (!mapped_.load(std::memory_order_relaxed)) return;
  if (locked_by_.load(std::memory_order_relaxed) == this_process())
    static_cast<void>(set_lock(descriptor, std::nullopt, {}));
}

Result<int> DiskFile::check(std::string_view operation, Need need) const {
  const int descriptor = do_native_handle();
  if (descriptor < 0) return fail(operation, path_, std::errc::bad_file_descriptor);
  if (!access().meets(need)) return fail_unmet(operation, path_, access(), need);
  return descriptor;
}

std::unexpected<Error> DiskFile::failed(std::string_view operation, std::uint64_t transferred) const {
  return fail(operation, path_, os::last_error(), std::string_view(), std::vector<Error>(), transferred);
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
  const std::size_t size = data.size();
  while (!data.empty()) {
    const ssize_t count = os::retry(
        [&] { return may_raise ? quiet_write(*descriptor, data) : ::write(*descriptor, data.data(), data.size()); });
    if (count < 0) {
      const std::error_code code = os::last_error();
      const bool too_large = code == std::errc::invalid_argument && data.size() > bytes_to_max_offset(*descriptor);
      if (too_large && options_.append && go_to_end(*descriptor, data.size())) continue;
      return fail("write", path_, too_large ? std::make_error_code(std::errc::file_too_large) : code,
                  std::string_view(), std::vector<Error>(), size - data.size());
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
    if (count < 0) return failed("read_at", total);
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
  const std::size_t size = data.size();
  while (!data.empty()) {
    const auto at = static_cast<off_t>(offset);
    const ssize_t count = os::retry([&] { return ::pwrite(*descriptor, data.data(), data.size(), at); });
    if (count < 0) return failed("write_at", size - data.size());
    offset += static_cast<std::uint64_t>(count);
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::uint64_t> DiskFile::do_seek(std::int64_t offset, Whence whence, std::source_location) {
  const Result<int> descriptor = check("seek", Need::content);
  if (!descriptor) return std::unexpected(descriptor.error());
  const off_t position = os::retry([&] { return ::lseek(*descriptor, offset, to_seek_origin(whence)); });
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

Result<void> DiskFile::do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location) {
  const Result<int> descriptor = check("allocate", Need::write);
  if (!descriptor) return std::unexpected(descriptor.error());
  const auto at = static_cast<off_t>(offset);
  const auto bytes = static_cast<off_t>(size);
  // Not posix_fallocate(3), which writes to each block where the file system cannot reserve any.
  if (os::retry([&] { return ::fallocate(*descriptor, 0, at, bytes); }) != 0) return failed("allocate");
  return {};
}

Result<void> DiskFile::do_sync(std::source_location) {
  const Result<int> descriptor = check("sync", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (os::retry([&] { return ::fsync(*descriptor); }) != 0) return failed("sync");
  return {};
}

Result<void> DiskFile::do_sync_data(std::source_location) {
  const Result<int> descriptor = check("sync_data", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (os::retry([&] { return ::fdatasync(*descriptor); }) != 0) return failed("sync_data");
  return {};
}

Result<FileInfo> DiskFile::do_stat(std::source_location) {
  const Result<int> descriptor = check("stat", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  return named("stat", path_, info_of(*descriptor, base_name(path_)));
}

Result<void> DiskFile::do_chmod(std::uint32_t mode, std::source_location) {
  const Result<int> descriptor = check("chmod", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (os::retry([&] { return ::fchmod(*descriptor, mode); }) != 0) return failed("chmod");
  return {};
}

Result<void> DiskFile::do_set_times(std::optional<Clock::system_time_point> accessed,
                                    std::optional<Clock::system_time_point> modified, std::source_location) {
  const Result<int> descriptor = check("set_times", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  const TwoTimes times = to_two_times(accessed, modified);
  if (os::retry([&] { return ::futimens(*descriptor, times.data()); }) != 0) return failed("set_times");
  return {};
}

Result<void> DiskFile::do_try_lock(LockMode mode, LockRange range, std::source_location) {
  const Result<int> descriptor = check("try_lock", need_of(mode, access()));
  if (!descriptor) return std::unexpected(descriptor.error());
  locked_by_.store(this_process(), std::memory_order_relaxed);
  return named("try_lock", path_, set_lock(*descriptor, mode, range));
}

// Asks again and again: F_OFD_SETLKW would wait in the kernel, where the Context could not end it.
Result<void> DiskFile::do_lock(Call call, LockMode mode, LockRange range) {
  const Result<int> descriptor = check("lock", need_of(mode, access()));
  if (!descriptor) return std::unexpected(descriptor.error());
  locked_by_.store(this_process(), std::memory_order_relaxed);
  for (auto wait = first_wait;; wait = std::min(2 * wait, longest_wait)) {
    Outcome<void> locked = set_lock(*descriptor, mode, range);
    if (locked || locked.error() != std::errc::resource_unavailable_try_again) {
      return named("lock", path_, std::move(locked));
    }
    if (!sleep_for(call, wait)) return call.context().check("lock", path_);
  }
}

Result<void> DiskFile::do_unlock(LockRange range, std::source_location) {
  const Result<int> descriptor = check("unlock", Need::open);
  if (!descriptor) return std::unexpected(descriptor.error());
  return named("unlock", path_, set_lock(*descriptor, std::nullopt, range));
}

Result<std::unique_ptr<Mapping>> DiskFile::do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                                  std::source_location) {
  const Result<int> descriptor = check("map", Need::read);
  if (!descriptor) return std::unexpected(descriptor.error());
  if (mode == MapMode::write) {
    if (const Result<int> writable = check("map", Need::write); !writable) return std::unexpected(writable.error());
  }
  Result<std::unique_ptr<Mapping>> mapping = DiskMapping::map(*descriptor, path_, offset, size, mode);
  if (mapping) mapped_.store(true, std::memory_order_relaxed);
  return mapping;
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
  free_locks_that_maps_keep(descriptor);
  // No retry after EINTR: on Linux, the descriptor is closed whatever close(2) returns.
  if (os::close_own(descriptor) != 0) return failed("close");
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
