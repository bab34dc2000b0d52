#include <leash/fs/read_only_fs.hpp>

namespace LEASH_NAMESPACE::fs {

Result<void> ReadOnlyFS::around(Operation& operation, Next next) {
  if (operation.changes()) return operation.fail(std::errc::read_only_file_system);
  // Only a file has operations that change something though it was opened for reading: its mode and its times.
  operation.hooks_handle = operation.kind == OperationKind::open;
  return next();
}

}  // namespace LEASH_NAMESPACE::fs
