#include <leash/fs/copy_file.hpp>
#include <leash/fs/detail/copy_range.hpp>
#include <leash/fs/detail/created_file.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

constexpr std::size_t copy_buffer_size = std::size_t{128} << 10;

/// How much the system is told to copy before the Context is asked again.
constexpr std::size_t copy_range_size = std::size_t{64} << 20;

struct Target {
  std::unique_ptr<File> file;
  bool created = false;
};

Result<Target> open_target(Call call, FileSystem& files, std::string_view path, std::uint32_t mode, bool overwrite) {
  // Who first asks whether the file is there cannot tell whether it was this or someone else that created it.
  auto created = files.open(call, path, {.write = true, .create = true, .exclusive = true, .mode = mode});
  if (created) return Target{*std::move(created), true};
  if (!overwrite || created.error() != std::errc::file_exists) return std::unexpected(created.error());
  auto opened = files.open(call, path, {.write = true});
  if (!opened) return std::unexpected(opened.error());
  return Target{*std::move(opened), false};
}

Result<FileInfo> stat_regular(Call call, File& file) {
  Result<FileInfo> info = file.stat(call.site());
  if (!info || info->type == FileType::regular || info->type == FileType::unknown) return info;
  if (info->is_directory()) return fail("copy_file", file.path(), std::errc::is_a_directory);
  return fail("copy_file", file.path(), std::errc::invalid_argument, "not a regular file");
}

Result<void> copy_content(Call call, File& from, File& to) {
  const auto check = [&] { return call.context().check("copy_file", from.path()); };
  const int from_descriptor = from.native_handle();
  const int to_descriptor = to.native_handle();
  if (from_descriptor >= 0 && to_descriptor >= 0) {
    do {
      if (auto checked = check(); !checked) return checked;
    } while (detail::copy_range(from_descriptor, to_descriptor, copy_range_size) != 0);
  }
  // From where the system has got to, which may be the end.
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(copy_buffer_size);  // NOLINT(*-avoid-c-arrays)
  for (;;) {
    if (auto checked = check(); !checked) return checked;
    const Result<std::size_t> count = from.read(std::span(buffer.get(), copy_buffer_size), call.site());
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return {};
    if (auto written = to.write(std::span(buffer.get(), *count), call.site()); !written) return written;
  }
}

Result<void> fill(Call call, File& from, const FileInfo& info, Target& target, bool sync) {
  const Result<FileInfo> target_info = stat_regular(call, *target.file);
  if (!target_info) return std::unexpected(target_info.error());
  if (!target.created) {
    if (same_file(info, *target_info)) {
      const std::string both = std::string(from.path()).append(" -> ").append(target.file->path());
      return fail("copy_file", both, std::errc::invalid_argument, "both are the same file");
    }
    if (auto emptied = target.file->truncate(0, call.site()); !emptied) return emptied;
  }
  if (auto copied = copy_content(call, from, *target.file); !copied) return copied;
  const std::uint32_t mode = info.mode & 0777;
  if (target_info->mode != mode) {
    if (auto changed = target.file->chmod(mode, call.site()); !changed) return changed;
  }
  return sync ? target.file->sync(call.site()) : Result<void>();
}

Result<void> copy_to(Call call, File& from, FileSystem& files, std::string_view to, const CopyOptions& options) {
  const Result<FileInfo> info = stat_regular(call, from);
  if (!info) return std::unexpected(info.error());
  Result<Target> target = open_target(call, files, to, info->mode & 0777, options.overwrite);
  if (!target) return std::unexpected(target.error());
  std::optional<detail::CreatedFile> created;
  if (target->created) created.emplace(call, files, std::string(to));
  Result<void> result = fill(call, from, *info, *target, options.sync);
  const Result<void> closed = target->file->close(call.site());
  if (result) result = closed;
  if (!created) return result;
  if (!result) return created->remove(result.error());
  created->keep();
  return {};
}

}  // namespace

Result<void> copy_file(Call call, FileSystem& from_files, PathArg from, FileSystem& to_files, PathArg to,
                       const CopyOptions& options) {
  const Result<std::unique_ptr<File>> source = from_files.open(call, from);
  if (!source) return std::unexpected(source.error());
  const Result<void> copied = copy_to(call, **source, to_files, to, options);
  const Result<void> closed = (*source)->close(call.site());
  return copied ? closed : copied;
}

}  // namespace LEASH_NAMESPACE::fs
