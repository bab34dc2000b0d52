#pragma once

#include <cstdint>
#include <initializer_list>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fs/file_system.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

namespace detail {
class MemoryTree;
}

/// A file system in memory, for tests: the constructor takes its files. It behaves as a disk does for a user whom no
/// permission stops (root), down to the error codes. Threads that read different files do not wait for each other.
///
///     MemoryFS memory{{"data.csv", "hello"}, {"logs/today.txt", "ok"}, {"empty/", ""}};
///
/// Files are sparse: a write at offset 1 TiB takes no more memory than what is written. Reading does not change
/// `FileInfo::accessed`. Handles share the tree, and may outlive the MemoryFS. What `sync` and `sync_dir` are for,
/// `crash_clone` shows. A map of more than 64 GiB fails with `not_enough_memory`.
class MemoryFS final : public FileSystem {
 public:
  /// A file and its content or, if the path ends with a slash, an empty directory. Directories above it that are
  /// missing are created.
  struct Entry {
    std::string_view path;
    std::string_view content;
  };

  struct Options {
    /// Tells the times of files. Null means the machine's clock.
    std::shared_ptr<Clock> clock = nullptr;

    /// The permission bits that are cleared in the mode of new files and directories.
    std::uint32_t umask = 022;

    /// How many bytes of content there is room for: what files hold without their holes, in chunks of 64 KiB. A write
    /// that does not fit fails with `no_space_on_device`, and writes nothing.
    std::uint64_t capacity = UINT64_MAX;

    /// Keeps what `crash_clone` needs: what was synced, beside what is there. Costs memory for all that is changed
    /// between two calls of `sync`. What is removed takes room until its directory is synced.
    bool crash_clones = false;
  };

  /// An empty root directory.
  MemoryFS();

  /// A tree of `entries`. Throws `std::logic_error`, naming the path, for a path that is invalid or the root, a file
  /// that is given twice, a file with something below it, and a directory with content.
  MemoryFS(std::initializer_list<Entry> entries);

  /// The same with options.
  static MemoryFS with(const Options& options, std::initializer_list<Entry> entries = {});

  MemoryFS(MemoryFS&&) = delete;
  MemoryFS& operator=(MemoryFS&&) = delete;
  ~MemoryFS() override;

  /// A copy of the whole tree, with the same options. Handles, locks and maps stay with this one.
  [[nodiscard]] MemoryFS clone() const;

  /// A copy as a disk could be after a power cut at this moment; the same for the same seed. With a seed of 0 all that
  /// was not synced is lost; with another one a part of it, by chance. Without `Options::crash_clones` all is there.
  ///
  /// - Content is durable from `File::sync`, `File::sync_data` or `Mapping::sync` on. What was written or cut since may
  ///   be lost in each chunk of 64 KiB apart, so that a write across a border may be torn there; the size of the file
  ///   may be the new one or that of the last sync. What is written through a map counts as written all the time.
  /// - A name is durable from `sync_dir`, or `File::sync` of its directory, on. Of the changes of names since, those of
  ///   the whole tree in their order, the last ones are lost: any number of them. A rename is kept or lost as a whole,
  ///   unless only one of its two directories was synced: then the file may have both names or, if that was the old
  ///   one, none.
  /// - `mode` and times are as they are, and so is what the constructor or a clone began with.
  [[nodiscard]] MemoryFS crash_clone(std::uint64_t seed) const;

  /// Copies all that is below the directory `path` of `files` into the root of this file system, and replaces the
  /// content of files that are there. Symbolic links are copied as such; hard links become files of their own. A file
  /// has the permission bits of its source, and a new directory those and its owner's, less the umask; times are those
  /// of the copying. What vanishes meanwhile is left out. Errors: those of each step; `operation_not_supported` for
  /// what is no file, directory or link, with its path; `invalid_argument`, with nothing changed, if `files` leads into
  /// this file system. Stops at the first error.
  [[nodiscard]] Result<void> load(Call call, FileSystem& files, PathArg path = ".");

  /// Copies all that is in this file system into the directory `path` of `files`, in the same way.
  [[nodiscard]] Result<void> store(Call call, FileSystem& files, PathArg path = ".");

  // What a call without a Context is told.
  Result<void> load(NoContext, PathArg = "."), store(NoContext, PathArg = ".");

  /// The tree as text, for golden tests: one line for each name, in order. A directory is `logs/`, a file is
  /// `logs/today.txt "ok"`, a symbolic link is `current -> logs`. A content of more than 60 bytes is cut, and followed
  /// by its size.
  [[nodiscard]] std::string dump() const;

 private:
  explicit MemoryFS(leash::detail::Ref<detail::MemoryTree> tree) noexcept;
  MemoryFS(const Options& options, std::initializer_list<Entry> entries);

  Result<void> check_other(std::string_view operation, Call call, FileSystem& files, std::string_view path);

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

  leash::detail::Ref<detail::MemoryTree> tree_;
};

}  // namespace LEASH_NAMESPACE::fs
