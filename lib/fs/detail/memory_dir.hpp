#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/memory_node.hpp>
#include <leash/fs/dir.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// A handle to a directory of a MemoryFS. Lists the entries in the order of their creation. Its place in that order is
/// a name without a text, which moves through the directory's list (as in Linux's libfs).
class MemoryDir final : public Dir {
 public:
  MemoryDir(NodeRef node, std::string_view path);
  ~MemoryDir() override;

 private:
  Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  std::string_view do_path() const noexcept override { return path_; }

  const NodeRef node_;
  const std::string path_;
  MemoryName* cursor_;  ///< Null once it is closed.
};

}  // namespace LEASH_NAMESPACE::fs::detail
