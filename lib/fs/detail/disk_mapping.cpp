#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <leash/fs/detail/disk_mapping.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/retry.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// Whether the range lies within the file, as far as that can be said: the size of a device is not in its status.
Outcome<bool> lies_within(int descriptor, std::uint64_t offset, std::size_t size) {
  struct stat status{};
  if (os::retry([&] { return ::fstat(descriptor, &status); }) != 0) return refuse_last();
  if (!S_ISREG(status.st_mode)) return true;
  const auto end = static_cast<std::uint64_t>(status.st_size);
  return offset <= end && size <= end - offset;
}

}  // namespace

Result<std::unique_ptr<Mapping>> DiskMapping::map(int descriptor, std::string_view path, std::uint64_t offset,
                                                  std::size_t size, MapMode mode) {
  // mmap(2) would map what is behind the end, too, and whoever touched it would get a SIGBUS.
  const Outcome<bool> within = lies_within(descriptor, offset, size);
  if (!within) return fail("map", path, within.error());
  if (!*within) return fail("map", path, std::errc::invalid_argument, "the range ends behind the file");
  std::unique_ptr<DiskMapping> mapping(new DiskMapping(path, mode));
  const std::size_t before = offset % static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const int protection = mode == MapMode::write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* const pages =
      ::mmap(nullptr, before + size, protection, MAP_SHARED, descriptor, static_cast<off_t>(offset - before));
  if (pages == MAP_FAILED) return fail("map", path, os::last_error());
  mapping->pages_ = {static_cast<std::byte*>(pages), before + size};
  mapping->bytes_ = mapping->pages_.subspan(before);
  return mapping;
}

DiskMapping::~DiskMapping() {
  if (!pages_.empty()) ::munmap(pages_.data(), pages_.size());
}

Result<void> DiskMapping::do_sync(std::source_location) {
  if (pages_.empty()) return fail("sync", path_, std::errc::bad_file_descriptor);
  if (os::retry([&] { return ::msync(pages_.data(), pages_.size(), MS_SYNC); }) != 0) {
    return fail("sync", path_, os::last_error());
  }
  return {};
}

Result<void> DiskMapping::do_close(std::source_location) {
  if (pages_.empty()) return fail("close", path_, std::errc::bad_file_descriptor);
  bytes_ = {};
  const std::span<std::byte> pages = std::exchange(pages_, {});
  if (::munmap(pages.data(), pages.size()) != 0) return fail("close", path_, os::last_error());
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
