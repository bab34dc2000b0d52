#include <algorithm>
#include <leash/fs/detail/created_file.hpp>
#include <leash/fs/detail/random_name.hpp>
#include <leash/fs/path.hpp>
#include <leash/fs/write_file_atomic.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

/// How many bytes are written before the Context is asked again.
constexpr std::size_t chunk_size = std::size_t{4} << 20;

/// The permission bits of the file at `path`, which are to be kept. None if there is nothing, or a symbolic link.
Result<std::optional<std::uint32_t>> mode_to_keep(Call call, FileSystem& files, std::string_view path) {
  const Result<FileInfo> info = files.lstat(call, path);
  if (!info) {
    if (info.error() == std::errc::no_such_file_or_directory) return std::nullopt;
    return std::unexpected(info.error());
  }
  switch (info->type) {
    case FileType::directory:
      return fail("write_file_atomic", path, std::errc::is_a_directory);
    case FileType::symlink:
      return std::nullopt;
    case FileType::regular:
    case FileType::unknown:
      return info->mode & 0777;
    case FileType::fifo:
    case FileType::socket:
    case FileType::block_device:
    case FileType::character_device:
      break;
  }
  return fail("write_file_atomic", path, std::errc::operation_not_supported, "not a regular file");
}

/// Gives `file` the mode `kept`, of which the umask may have taken some.
Result<void> restore_mode(Call call, File& file, std::uint32_t kept) {
  const Result<FileInfo> info = file.stat(call.site());
  if (!info) return std::unexpected(info.error());
  return info->mode == kept ? Result<void>() : file.chmod(kept, call.site());
}

Result<void> fill(Call call, File& file, std::string_view path, std::string_view content,
                  std::optional<std::uint32_t> kept_mode, bool sync) {
  while (!content.empty()) {
    if (auto checked = call.context().check("write", path); !checked) return checked;
    const std::string_view chunk = content.substr(0, chunk_size);
    if (auto written = file.write(chunk, call.site()); !written) return written;
    content.remove_prefix(chunk.size());
  }
  if (kept_mode) {
    if (auto restored = restore_mode(call, file, *kept_mode); !restored) return restored;
  }
  return sync ? file.sync(call.site()) : Result<void>();
}

}  // namespace

Result<void> write_file_atomic(Call call, FileSystem& files, PathArg path, std::string_view content,
                               const AtomicWriteOptions& options) {
  const Result<std::optional<std::uint32_t>> kept_mode = mode_to_keep(call, files, path);
  if (!kept_mode) return std::unexpected(kept_mode.error());
  const std::string_view directory = parent_path(path);
  const std::uint32_t mode = kept_mode->value_or(options.mode);
  std::unique_ptr<File> file;
  const auto create = [&](std::string_view name) -> Result<void> {
    auto opened = files.open(call, name, {.write = true, .create = true, .exclusive = true, .mode = mode});
    if (!opened) return std::unexpected(opened.error());
    file = *std::move(opened);
    return {};
  };
  const Result<std::string> beside = detail::create_randomly_named(directory, ".leash-", create);
  if (!beside) return std::unexpected(beside.error());
  detail::CreatedFile created(call, files, *beside);

  Result<void> result = fill(call, *file, path, content, *kept_mode, options.sync);
  const Result<void> closed = file->close(call.site());
  if (result) result = closed;
  if (result) result = files.rename(call, *beside, path);
  if (!result) return created.remove(result.error());
  created.keep();
  return options.sync ? files.sync_dir(call, directory) : Result<void>();
}

}  // namespace LEASH_NAMESPACE::fs
