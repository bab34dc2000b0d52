#include <fcntl.h>
#include <sys/stat.h>

#include <leash/fs/adopt.hpp>
#include <leash/fs/detail/disk_file.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/detail/tracked_file.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <leash/track/detail/open_tracked.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using detail::DiskFile;
using detail::Outcome;

/// The options by which a file with the flags of `descriptor` would have been opened.
Outcome<OpenOptions> options_of(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags == -1) return detail::refuse_last();
  struct stat status{};
  if (os::retry([&] { return ::fstat(descriptor, &status); }) != 0) return detail::refuse_last();
  const int access = flags & O_ACCMODE;
  OpenOptions options;
  options.read = (flags & O_PATH) == 0 && access != O_WRONLY;
  options.write = (flags & O_PATH) == 0 && access != O_RDONLY;
  options.append = (flags & O_APPEND) != 0;
  options.directory = S_ISDIR(status.st_mode);
  return options;
}

}  // namespace

Result<std::unique_ptr<File>> adopt(Call call, int descriptor, std::string_view name) {
  if (auto checked = call.context().check("adopt", name); !checked) return std::unexpected(checked.error());
  const Outcome<OpenOptions> options = options_of(descriptor);
  if (!options) return fail("adopt", name, options.error());
  // All that may fail or throw comes before the file gets the descriptor: until then it must not be closed.
  std::unique_ptr<DiskFile> disk = DiskFile::make({}, name, *options);
  DiskFile& without_descriptor = *disk;
  std::unique_ptr<File> file = std::move(disk);
  const os::Opening opening;
  Result<std::optional<track::Tag>> tag = track::detail::tag_adopted(call, kinds::file, name, descriptor);
  if (!tag) return std::unexpected(tag.error());
  const bool tagged = tag->has_value();
  if (tagged) file = std::make_unique<detail::TrackedFile>(std::move(file), *std::move(*tag));
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == -1) return fail("adopt", name, os::last_error());
  const auto take = [&] { without_descriptor.take(os::Descriptor(os::own(descriptor))); };
  if (tagged) {
    os::open_for_tag(take);
  } else {
    take();
  }
  return file;
}

}  // namespace LEASH_NAMESPACE::fs
