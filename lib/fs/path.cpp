#include <leash/fs/path.hpp>

namespace LEASH_NAMESPACE::fs {

bool valid_path(std::string_view path) noexcept { return path_defect(path).empty(); }

std::string_view path_defect(std::string_view path) noexcept {
  if (path.empty()) return "empty path";
  if (path == ".") return {};
  if (path.contains('\0')) return "NUL in path";
  if (path.front() == '/') return "path starts with a slash";
  if (path.back() == '/') return "path ends with a slash";
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view element = rest.substr(0, slash);
    if (element.empty()) return "empty element in path";
    if (element == ".") return "element . in path";
    if (element == "..") return "element .. in path";
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

std::string_view base_name(std::string_view path) noexcept { return path.substr(path.rfind('/') + 1); }

std::string_view parent_path(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view(".") : path.substr(0, slash);
}

std::string join(std::string_view directory, std::string_view name) {
  if (directory == ".") return std::string(name);
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path.append(directory).append(1, '/').append(name);
  return path;
}

}  // namespace LEASH_NAMESPACE::fs
