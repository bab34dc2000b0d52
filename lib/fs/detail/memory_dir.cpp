#include <leash/fs/detail/memory_dir.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <leash/fs/path.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

MemoryDir::MemoryDir(NodeRef node, std::string_view path)
    : node_(std::move(node)), path_(path), cursor_(node_->tree().add_cursor(*node_)) {}

MemoryDir::~MemoryDir() {
  if (cursor_ != nullptr) node_->tree().remove_cursor(cursor_);
}

Result<std::vector<DirEntry>> MemoryDir::do_read(std::size_t max, std::source_location) {
  if (cursor_ == nullptr) return fail("read", path_, std::errc::bad_file_descriptor);
  return node_->tree().list_next(cursor_, max);
}

Result<FileInfo> MemoryDir::do_stat(std::source_location) {
  if (cursor_ == nullptr) return fail("stat", path_, std::errc::bad_file_descriptor);
  return node_->tree().info(*node_, base_name(path_));
}

Result<void> MemoryDir::do_close(std::source_location) {
  MemoryName* const cursor = std::exchange(cursor_, nullptr);
  if (cursor == nullptr) return fail("close", path_, std::errc::bad_file_descriptor);
  node_->tree().remove_cursor(cursor);
  return {};
}

}  // namespace LEASH_NAMESPACE::fs::detail
