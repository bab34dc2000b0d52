#include <algorithm>
#include <leash/fs/read_file.hpp>
#include <span>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

constexpr std::size_t min_step = 4096;
constexpr std::size_t max_step = std::size_t{1} << 20;

Result<std::string> read_all(Call call, File& file, std::string_view path) {
  // Only where to begin: the size may be wrong by now, and is always 0 in /proc.
  const Result<FileInfo> info = file.stat(call.site());
  std::size_t step = min_step;
  if (info) step = static_cast<std::size_t>(std::clamp<std::uint64_t>(info->size + 1, step, max_step));
  std::string content;
  std::size_t size = 0;
  for (;;) {
    if (auto wanted = call.context().check("read", path); !wanted) return std::unexpected(wanted.error());
    if (content.size() == size) content.resize(size + std::clamp(size, step, max_step));
    const auto room = std::as_writable_bytes(std::span(content).subspan(size));
    const Result<std::size_t> count = file.read(room, call.site());
    if (!count) return std::unexpected(count.error());
    if (*count == 0) break;
    size += *count;
  }
  content.resize(size);
  return content;
}

}  // namespace

Result<std::string> read_file(Call call, FileSystem& files, std::string_view path) {
  const Result<std::unique_ptr<File>> file = files.open(call, path);
  if (!file) return std::unexpected(file.error());
  Result<std::string> content = read_all(call, **file, path);
  const Result<void> closed = (*file)->close(call.site());
  if (content && !closed) return std::unexpected(closed.error());
  return content;
}

}  // namespace LEASH_NAMESPACE::fs
