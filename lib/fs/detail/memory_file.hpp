#pragma once

#include <atomic>
#include <leash/config.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/dir.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/open_options.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A handle to a node of a MemoryFS. It keeps the node and the tree alive.
class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<MemoryTree> tree, std::shared_ptr<MemoryNode> node, std::string_view path,
             const OpenOptions& options)
      : tree_(std::move(tree)), node_(std::move(node)), path_(path), options_(options) {}

 private:
  /// What an operation needs of the file besides that it is not closed: nothing, that it was opened for reading or for
  /// writing, or that it is no directory (which `read` and `write` need, too).
  enum class Need : unsigned char { open, read, write, content };

  /// Success if the file has what `operation` needs.
  Result<void> check(std::string_view operation, Need need) const;
  std::size_t read_content(std::span<std::byte> buffer, std::uint64_t offset) const;

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override;
  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override;
  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset, std::source_location site) override;
  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override;
  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override;
  Result<void> do_truncate(std::uint64_t size, std::source_location site) override;
  Result<void> do_sync(std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<int> do_release(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  std::string_view do_path() const noexcept override { return path_; }

  const std::shared_ptr<MemoryTree> tree_;
  const std::shared_ptr<MemoryNode> node_;
  const std::string path_;
  const OpenOptions options_;
  std::uint64_t position_ = 0;
  std::atomic<bool> closed_{false};
};

/// A handle to a directory of a MemoryFS. Lists the entries in the order of their names.
class MemoryDir final : public Dir {
 public:
  MemoryDir(std::shared_ptr<MemoryTree> tree, std::shared_ptr<MemoryNode> node, std::string_view path)
      : tree_(std::move(tree)), node_(std::move(node)), path_(path) {}

 private:
  Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  std::string_view do_path() const noexcept override { return path_; }

  const std::shared_ptr<MemoryTree> tree_;
  const std::shared_ptr<MemoryNode> node_;
  const std::string path_;
  std::string last_name_;  ///< Of the last entry that `read` has returned; empty before the first.
  bool closed_ = false;
};

}  // namespace LEASH_NAMESPACE::fs::detail
