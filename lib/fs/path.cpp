#include <leash/fs/errc.hpp>
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

Result<std::string> clean_path(PathArg text) {
  const std::string_view path = text;
  if (path.contains('\0')) return fail("clean_path", path, std::errc::invalid_argument, "NUL in path");
  if (path.starts_with('/')) return fail("clean_path", path, std::errc::invalid_argument, "path starts with a slash");
  std::string clean;
  clean.reserve(path.size());
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view element = rest.substr(0, slash);
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
    if (element.empty() || element == ".") continue;
    if (element == "..") {
      if (clean.empty()) return fail("clean_path", path, errc::escapes_root);
      const std::size_t last = clean.rfind('/');
      clean.resize(last == std::string::npos ? 0 : last);
      continue;
    }
    if (!clean.empty()) clean += '/';
    clean += element;
  }
  if (clean.empty()) clean = ".";
  return clean;
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
