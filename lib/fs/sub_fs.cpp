#include <leash/detail/escape.hpp>
#include <leash/fs/path.hpp>
#include <leash/fs/sub_fs.hpp>
#include <stdexcept>

namespace LEASH_NAMESPACE::fs {
namespace {

std::string checked(std::string_view directory) {
  const std::string_view defect = path_defect(directory);
  if (defect.empty()) return std::string(directory);
  throw std::logic_error(
      std::string("leash: SubFS: ").append(leash::detail::escape(directory)).append(": ").append(defect));
}

}  // namespace

SubFS::SubFS(FileSystem& inner, PathArg directory) : HookedFileSystem(inner), directory_(checked(directory)) {}

Result<void> SubFS::around(Operation& operation, Next next) {
  const auto below = [&](std::string_view path) { return path == "." ? directory_ : join(directory_, path); };
  operation.hooks_handle = false;
  const std::string path = below(operation.path);
  operation.path = path;
  if (operation.to.empty()) return next();
  const std::string to = below(operation.to);
  operation.to = to;
  return next();
}

}  // namespace LEASH_NAMESPACE::fs
