#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <leash/track/detail/open_descriptors.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {
namespace {

/// The value behind `key` in what the kernel says in a file of /proc, or nothing.
std::string_view value_of(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(std::min(text.find_first_not_of(" \t", at + key.size()), text.size()));
  return text.substr(0, text.find('\n'));
}

std::string small_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 1024> buffer{};
  const ssize_t size = ::read(file, buffer.data(), buffer.size());
  ::close(file);
  return size <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace

DescriptorList open_descriptors() {
  DescriptorList list;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
  if (!directory) return list;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size() || number == ::dirfd(directory.get())) continue;
    struct stat status{};
    if (::fstat(number, &status) != 0) continue;
    list.push_back({number, status.st_dev, status.st_ino});
  }
  std::ranges::sort(list);
  return list;
}

std::string describe_descriptor(int number) {
  const std::string digits = std::to_string(number);
  std::array<char, 512> target{};
  const ssize_t size = ::readlink(("/proc/self/fd/" + digits).c_str(), target.data(), target.size());
  std::string text = size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "descriptor " + digits;
  const std::string info = small_file("/proc/self/fdinfo/" + digits);
  if (const std::string_view flags = value_of(info, "flags:"); !flags.empty()) text.append("; flags ").append(flags);
  if (const std::string_view position = value_of(info, "pos:"); !position.empty()) {
    text.append("; position ").append(position);
  }
  return text;
}

std::string_view target_of_descriptor(std::string_view description) {
  return description.substr(0, description.rfind("; flags "));
}

}  // namespace LEASH_NAMESPACE::track::detail
