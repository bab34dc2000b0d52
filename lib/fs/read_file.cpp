#include <algorithm>
#include <leash/fs/read_file.hpp>
#include <span>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

/// When the buffer is full it doubles, within these limits: the bytes that it grows by.
constexpr std::size_t min_growth = 4096;
constexpr std::size_t max_growth = std::size_t{1} << 20;

Result<std::string> read_all(Call call, File& file, std::string_view path) {
  // The size only says how large a buffer to begin with: it may be wrong by now, and files of /proc say 0.
  const Result<FileInfo> info = file.stat(call.site());
  std::size_t first_growth = min_growth;
  if (info) {
    first_growth = static_cast<std::size_t>(std::clamp<std::uint64_t>(info->size + 1, min_growth, max_growth));
  }
  std::string content;
  std::size_t size = 0;
  for (;;) {
    if (auto checked = call.context().check("read", path); !checked) return std::unexpected(checked.error());
    if (content.size() == size) content.resize(size + std::clamp(size, first_growth, max_growth));
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
