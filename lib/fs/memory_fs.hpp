#pragma once

#include <cstdint>
#include <initializer_list>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/fs/file_system.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

namespace detail {
class MemoryTree;
}

/// A file system in memory, made like a fixture. Behaves like a disk seen by root, down to the error codes; its files
/// are open to any number of threads, and those who read different files do not wait for each other.
///
///     MemoryFS memory{{"data.csv", "hello"}, {"logs/today.txt", "ok"}, {"empty/", ""}};
///
/// Files are sparse: a write at 1 TiB takes the memory of what is written. Reading does not change the time of access.
/// Handles share the tree, and may outlive the MemoryFS. `sync` succeeds and does nothing: there is nothing more
/// lasting to write to.
class MemoryFS final : public FileSystem {
 public:
  /// A file and its content, or, if the path ends with a slash, an empty directory. The directories above are implied.
  struct Entry {
    std::string_view path;
    std::string_view content;
  };

  struct Options {
    /// Where the times of files come from. Null is the machine's clock.
    std::shared_ptr<Clock> clock = nullptr;

    /// The permission bits that new files and directories do not get.
    std::uint32_t umask = 022;
  };

  MemoryFS();

  /// Throws `std::logic_error`, naming the path, for a path that is invalid or given twice, and for a file with
  /// something below it.
  MemoryFS(std::initializer_list<Entry> entries);
  static MemoryFS with(const Options& options, std::initializer_list<Entry> entries = {});

  MemoryFS(MemoryFS&&) = delete;
  MemoryFS& operator=(MemoryFS&&) = delete;
  ~MemoryFS() override;

  /// The tree as text, for golden tests: a line for each name, in order, as `logs/`, `logs/today.txt "ok"` and `current
  /// -> logs`. Of a long content, the beginning and the size.
  [[nodiscard]] std::string dump() const;

 private:
  MemoryFS(const Options& options, std::initializer_list<Entry> entries);

  Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options) override;
  Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path) override;
  Result<FileInfo> do_stat(Call call, std::string_view path) override;
  Result<FileInfo> do_lstat(Call call, std::string_view path) override;
  Result<std::vector<DirEntry>> do_read_dir(Call call, std::string_view path) override;
  Result<void> do_mkdir(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) override;
  Result<void> do_remove(Call call, std::string_view path) override;
  Result<void> do_remove_all(Call call, std::string_view path) override;
  Result<void> do_rename(Call call, std::string_view from, std::string_view to) override;
  Result<void> do_link(Call call, std::string_view existing, std::string_view path) override;
  Result<void> do_symlink(Call call, std::string_view target, std::string_view path) override;
  Result<std::string> do_read_link(Call call, std::string_view path) override;
  Result<void> do_truncate(Call call, std::string_view path, std::uint64_t size) override;
  Result<void> do_sync_dir(Call call, std::string_view path) override;

  std::shared_ptr<detail::MemoryTree> tree_;
};

}  // namespace LEASH_NAMESPACE::fs
