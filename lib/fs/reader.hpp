#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/file.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// How a Reader keeps what it has read.
struct ReaderOptions {
  std::size_t buffer_size = std::size_t{64} << 10;  ///< How many bytes to begin with; at least 1 is taken.
  std::size_t max_line = std::size_t{64} << 20;     ///< A longer line is an error. The buffer grows up to it.
};

/// Reads a file through a buffer, by lines or by bytes, from its position on.
///
///     Reader reader(ctx, *file);
///     Result<void> read;
///     for (std::string_view line : reader.lines(read)) count += line.size();
///     if (!read) return std::unexpected(read.error());
///
/// The file must outlive it, and its position is anywhere behind what was returned. The Context is asked each time the
/// buffer is filled. One thread at a time. After an error nothing is lost: the next call goes on from there.
class Reader {
 public:
  class Lines;

  /// Reads nothing yet. Its reads have the Context of `call`, and no tag: a Reader has nothing to lose.
  Reader(Call call, File& file LEASH_LIFETIMEBOUND, const ReaderOptions& options = {});

  // What a call without a Context is told.
  explicit Reader(NoContext, const ReaderOptions& = {});

  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  /// Returns the next line without the `\n` at its end; nothing at the end of the file. What follows the last `\n` is a
  /// line if it is not empty. The view is valid until the next call of a member. Errors: those of `File::read`;
  /// `value_too_large` for a line of more than `max_line` bytes, which `read` can still get; `operation_canceled` and
  /// `timed_out` when the Context is done.
  [[nodiscard]] Result<std::optional<std::string_view>> read_line(
      std::source_location site = std::source_location::current()) {
    std::string_view line;
    if (take_line(line)) return line;
    return fill_line(site);
  }

  /// The lines from here on, for one range-based for: it ends at the end of the file, or at an error of `read_line`,
  /// which is then in `result`; otherwise that is a success. A line is valid until the next one.
  [[nodiscard]] Lines lines(Result<void>& result LEASH_LIFETIMEBOUND,
                            std::source_location site = std::source_location::current()) LEASH_LIFETIMEBOUND;

  /// Reads up to `buffer.size()` bytes. Returns the number of bytes read; 0 only at the end of the file or for an empty
  /// buffer. Errors: those of `File::read`; `operation_canceled` and `timed_out` when the Context is done.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> buffer,
                                         std::source_location site = std::source_location::current());

 private:
  /// Takes a line whose end is known.
  bool take_line(std::string_view& line) noexcept {
    if (next_newline_ == last_newline_) return false;
    const char* const newline = window_ + *next_newline_++;
    line = std::string_view(begin_, static_cast<std::size_t>(newline - begin_));
    begin_ = newline + 1;
    return true;
  }

  std::size_t unread() const noexcept { return static_cast<std::size_t>(end_ - begin_); }

  bool search(std::string_view& line) noexcept;
  void forget_newlines() noexcept;
  Result<std::optional<std::string_view>> fill_line(std::source_location site);
  Result<std::size_t> fill(std::source_location site);
  Result<void> make_room();

  File* file_;
  Context context_;
  std::size_t capacity_;
  std::size_t max_capacity_;
  std::unique_ptr<char[]> buffer_;  // NOLINT(*-avoid-c-arrays): not initialized
  const char* begin_ = nullptr;     // Of what is in the buffer and was not returned yet.
  const char* end_ = nullptr;

  // The ends of lines are looked for in a window of the buffer at a time: their offsets in it, those to come.
  std::unique_ptr<std::uint16_t[]> newlines_;  // NOLINT(*-avoid-c-arrays): the same
  const std::uint16_t* next_newline_ = nullptr;
  const std::uint16_t* last_newline_ = nullptr;
  const char* window_ = nullptr;
  const char* searched_ = nullptr;  // The end of the window. No `\n` is before it but those to come.
};

/// What `Reader::lines` returns. It refers to the Reader and to the Result.
class Reader::Lines {
 public:
  struct End {};

  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    std::string_view operator*() const noexcept { return line_; }
    Iterator& operator++() {
      if (!lines_->reader_->take_line(line_)) fill();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, End) noexcept { return iterator.lines_ == nullptr; }

   private:
    friend class Lines;
    explicit Iterator(Lines* lines) noexcept : lines_(lines) {}

    void fill();

    Lines* lines_;  // Null at the end.
    std::string_view line_;
  };

  Iterator begin() {
    Iterator first(this);
    return ++first;
  }
  static End end() noexcept { return {}; }

 private:
  friend class Reader;
  Lines(Reader& reader, Result<void>& result, std::source_location site) noexcept
      : reader_(&reader), result_(&result), site_(site) {}

  Reader* reader_;
  Result<void>* result_;
  std::source_location site_;
};

}  // namespace LEASH_NAMESPACE::fs
