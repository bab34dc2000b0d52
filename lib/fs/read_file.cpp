#include <algorithm>
#include <leash/fs/read_file.hpp>
#include <span>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

/// The bytes of the first buffer where the size is not known, and the most of it. The size that a file is said to have
/// may be wrong by the time it is read, files of /proc say 0, and some say what no memory could hold: a buffer that
/// turns out to be full doubles.
constexpr std::size_t buffer_without_size = 4096;
constexpr std::size_t most_buffer = std::size_t{1} << 30U;

/// The bytes that one `read` is asked for, so that the Context is looked at now and then.
constexpr std::size_t most_at_once = std::size_t{16} << 20U;

/// Reads to the end of `file` or until `buffer` is full; `size` is how much of it is read already.
Result<void> fill(Call call, File& file, std::string_view path, std::span<std::byte> buffer, std::size_t& size,
                  bool& at_end) {
  while (size != buffer.size() && !at_end) {
    if (auto checked = call.context().check("read", path); !checked) return checked;
    const auto room = buffer.subspan(size, std::min(buffer.size() - size, most_at_once));
    const Result<std::size_t> count = file.read(room, call.site());
    if (!count) return std::unexpected(count.error());
    size += *count;
    at_end = *count == 0;
  }
  return {};
}

Result<std::string> read_all(Call call, File& file, std::string_view path) {
  const Result<FileInfo> info = file.stat(call.site());
  std::size_t capacity = buffer_without_size;
  // With one byte more than the file has, the buffer is not full when the end is met.
  if (info && info->size != 0)
    capacity = static_cast<std::size_t>(std::min<std::uint64_t>(info->size, most_buffer)) + 1;
  std::string content;
  std::size_t size = 0;
  bool at_end = false;
  Result<void> filled;
  while (!at_end && filled) {
    // Unlike `resize`, this does not write zeros to what `read` will overwrite.
    content.resize_and_overwrite(capacity, [&](char* buffer, std::size_t bytes) {
      filled = fill(call, file, path, std::as_writable_bytes(std::span(buffer, bytes)), size, at_end);
      return size;
    });
    capacity *= 2;
  }
  if (!filled) return std::unexpected(filled.error());
  // The file had far less than it said.
  if (content.capacity() > 2 * size + buffer_without_size) content.shrink_to_fit();
  return content;
}

}  // namespace

Result<std::string> read_file(Call call, FileSystem& files, PathArg path) {
  const Result<std::unique_ptr<File>> file = files.open(call, path);
  if (!file) return std::unexpected(file.error());
  Result<std::string> content = read_all(call, **file, path);
  const Result<void> closed = (*file)->close(call.site());
  if (content && !closed) return std::unexpected(closed.error());
  return content;
}

}  // namespace LEASH_NAMESPACE::fs
