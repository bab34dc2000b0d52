#include <algorithm>
#include <cstring>
#include <leash/fs/detail/newlines.hpp>
#include <leash/fs/reader.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fs {

// The buffer holds the longest line with its `\n`, and never more: so a line that is found in it is not too long.
Reader::Reader(Call call, File& file, const ReaderOptions& options)
    : file_(&file),
      context_(call.context()),
      capacity_(std::max<std::size_t>(options.buffer_size, 1)),
      max_capacity_(options.max_line == SIZE_MAX ? SIZE_MAX : options.max_line + 1) {
  capacity_ = std::min(capacity_, max_capacity_);
}

Reader::~Reader() = default;

Reader::Lines Reader::lines(Result<void>& result, std::source_location site) {
  result = Result<void>();
  return {*this, result, site};
}

/// Makes room for at least one byte behind what is unread.
Result<void> Reader::make_room() {
  const std::size_t size = unread();
  if (!buffer_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);                         // NOLINT(*-avoid-c-arrays)
    newlines_ = std::make_unique_for_overwrite<std::uint16_t[]>(detail::newlines_room);  // NOLINT(*-avoid-c-arrays)
  } else if (size < capacity_) {
    if (size != 0) std::memmove(buffer_.get(), begin_, size);
  } else {
    if (capacity_ == max_capacity_) {
      const std::string detail = "a line of more than " + std::to_string(max_capacity_ - 1) + " bytes";
      return fail("read_line", file_->path(), std::errc::value_too_large, detail);
    }
    const std::size_t capacity = capacity_ < max_capacity_ / 2 ? capacity_ * 2 : max_capacity_;
    auto buffer = std::make_unique_for_overwrite<char[]>(capacity);  // NOLINT(*-avoid-c-arrays)
    std::memcpy(buffer.get(), begin_, size);
    buffer_ = std::move(buffer);
    capacity_ = capacity;
  }
  begin_ = buffer_.get();
  end_ = begin_ + size;
  forget_newlines();
  return {};
}

/// Reads into the buffer, behind what is unread. Returns how much.
Result<std::size_t> Reader::fill(std::source_location site) {
  if (auto checked = context_.check("read", file_->path()); !checked) return std::unexpected(checked.error());
  if (auto made = make_room(); !made) return std::unexpected(made.error());
  const std::size_t size = unread();
  const std::span<char> room(buffer_.get() + size, capacity_ - size);
  Result<std::size_t> count = file_->read(std::as_writable_bytes(room), site);
  if (count) end_ += *count;
  return count;
}

/// Searches what is in the buffer and was not searched yet, until it finds the end of a line.
bool Reader::search(std::string_view& line) noexcept {
  while (searched_ != end_) {
    const std::size_t size = std::min(static_cast<std::size_t>(end_ - searched_), detail::newlines_window);
    window_ = searched_;
    searched_ += size;
    next_newline_ = newlines_.get();
    last_newline_ = next_newline_ + detail::find_newlines(window_, size, newlines_.get());
    if (take_line(line)) return true;
  }
  return false;
}

/// For when the beginning of what is unread has changed.
void Reader::forget_newlines() noexcept {
  next_newline_ = last_newline_;
  searched_ = begin_;
}

Result<std::optional<std::string_view>> Reader::fill_line(std::source_location site) {
  std::string_view line;
  while (!search(line)) {
    const std::size_t searched = unread();
    const Result<std::size_t> count = fill(site);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) {
      if (searched == 0) return std::nullopt;
      const std::string_view rest(begin_, searched);
      begin_ = end_;
      forget_newlines();
      return rest;
    }
    searched_ = begin_ + searched;
  }
  return line;
}

Result<std::size_t> Reader::read(std::span<std::byte> buffer, std::source_location site) {
  if (buffer.empty()) return 0;
  if (begin_ == end_) {
    if (buffer.size() >= capacity_) {
      if (auto checked = context_.check("read", file_->path()); !checked) return std::unexpected(checked.error());
      return file_->read(buffer, site);
    }
    const Result<std::size_t> count = fill(site);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return 0;
  }
  const std::size_t size = std::min(buffer.size(), unread());
  std::memcpy(buffer.data(), begin_, size);
  begin_ += size;
  forget_newlines();
  return size;
}

void Reader::Lines::Iterator::fill() {
  const Result<std::optional<std::string_view>> line = lines_->reader_->fill_line(lines_->site_);
  if (line && *line) {
    line_ = **line;
    return;
  }
  if (!line) *lines_->result_ = std::unexpected(line.error());
  lines_ = nullptr;
}

}  // namespace LEASH_NAMESPACE::fs
