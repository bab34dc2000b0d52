#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <leash/fs/os_path.hpp>
#include <memory>
#include <string_view>
#include <system_error>

namespace LEASH_NAMESPACE::fs {
namespace {

struct FreeText {
  void operator()(char* text) const noexcept { std::free(text); }
};

/// Removes the first element of `path`, and the slash behind it, and returns the element: empty where slashes follow
/// each other, and for the slash that an absolute path begins with.
std::string_view take_element(std::string_view& path) {
  const std::string_view element = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(element.size() + 1, path.size()));
  return element;
}

/// How many bytes of `path` reach up to the end of its last `..` element; 0 if there is none. The system has to resolve
/// that part.
std::size_t size_up_to_last_dot_dot(std::string_view path) {
  std::size_t size = 0;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view element = take_element(rest);
    if (element == "..") size = static_cast<std::size_t>(element.data() + element.size() - path.data());
  }
  return size;
}

}  // namespace

Result<std::string> os_path(Call call, PathArg path_arg) {
  const std::string_view path = path_arg;
  if (auto checked = call.context().check("os_path", path); !checked) return std::unexpected(checked.error());
  if (path.empty()) return fail("os_path", path, std::errc::no_such_file_or_directory, "empty path");
  if (path.contains('\0')) return fail("os_path", path, std::errc::invalid_argument, "NUL in path");
  std::string text;
  std::string_view rest = path;
  const std::size_t size = size_up_to_last_dot_dot(path);
  if (size != 0 || path.front() != '/') {
    const std::string prefix(size != 0 ? path.substr(0, size) : ".");
    const std::unique_ptr<char, FreeText> resolved(::realpath(prefix.c_str(), nullptr));
    if (!resolved) return fail("os_path", path, std::error_code(errno, std::generic_category()));
    text = resolved.get() + 1;
    rest.remove_prefix(size);
  }
  while (!rest.empty()) {
    const std::string_view element = take_element(rest);
    if (element.empty() || element == ".") continue;
    if (!text.empty()) text += '/';
    text += element;
  }
  return text.empty() ? "." : text;
}

}  // namespace LEASH_NAMESPACE::fs
