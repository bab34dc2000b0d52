#pragma once

#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/links.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

namespace detail {
struct Root;
}

/// A directory of the disk, and what is below it. No path, no symbolic link, and no race between looking and opening
/// leads out of it; mount points below it do count as part of it.
///
/// All files of the machine, named as the operating system does (see `os_path`):
///
///     auto disk = leash::take(DiskFS::open_root(ctx, "/", {.links = Links::in_root}));
///     auto file = disk.open(ctx, leash::take(os_path(ctx, "/etc/localtime")));
///
/// There, links of /proc that stand for what a process has open (`/proc/self/fd/0`) are
/// `too_many_symbolic_link_levels`.
///
/// Rooted at a descriptor: it stays the same directory if that is renamed. All descriptors close on exec. Opening and
/// using a FIFO or a device never waits, so their reads and writes may fail with `resource_unavailable_try_again`.
/// Files have the mode that is asked for less the umask of the process.
class DiskFS final : public FileSystem {
 public:
  struct Options {
    /// Whether to let the kernel resolve paths, where it can (openat2, Linux 5.6). Else every path is walked descriptor
    /// by descriptor.
    bool use_openat2 = true;

    /// What becomes of symbolic links that are absolute or go up above the root.
    Links links = Links::beneath;
  };

  /// Opens the directory that will be the root. `directory` is a path of the operating system, absolute or relative to
  /// the working directory.
  [[nodiscard]] static Result<DiskFS> open_root(Call call, PathArg directory);
  [[nodiscard]] static Result<DiskFS> open_root(Call call, PathArg directory, const Options& options);

  // What a call without a Context is told.
  static Result<DiskFS> open_root(NoContext), open_root(NoContext, const Options&);

  /// One that was moved from fails in every operation with `bad_file_descriptor`. Handles are not concerned.
  DiskFS(DiskFS&&) noexcept;
  DiskFS& operator=(DiskFS&&) noexcept;
  ~DiskFS() override;

 private:
  explicit DiskFS(std::unique_ptr<const detail::Root> root) noexcept;

  Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options) override;
  Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path) override;
  Result<FileInfo> do_stat(Call call, std::string_view path) override;
  Result<FileInfo> do_lstat(Call call, std::string_view path) override;
  Result<std::vector<DirEntry>> do_read_dir(Call call, std::string_view path) override;
  Result<std::vector<FileInfo>> do_read_dir_info(Call call, std::string_view path) override;
  Result<void> do_mkdir(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_remove(Call call, std::string_view path) override;
  Result<void> do_remove_file(Call call, std::string_view path) override;
  Result<void> do_remove_dir(Call call, std::string_view path) override;
  Result<void> do_remove_all(Call call, std::string_view path) override;
  Result<void> do_rename(Call call, std::string_view from, std::string_view to) override;
  Result<void> do_link(Call call, std::string_view existing, std::string_view path) override;
  Result<void> do_symlink(Call call, std::string_view target, std::string_view path) override;
  Result<std::string> do_read_link(Call call, std::string_view path) override;
  Result<void> do_chmod(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_set_times(Call call, std::string_view path, std::optional<Clock::system_time_point> accessed,
                            std::optional<Clock::system_time_point> modified) override;
  Result<void> do_truncate(Call call, std::string_view path, std::uint64_t size) override;
  Result<void> do_sync_dir(Call call, std::string_view path) override;
  Result<Space> do_space(Call call, std::string_view path) override;

  std::unique_ptr<const detail::Root> root_;
};

}  // namespace LEASH_NAMESPACE::fs
