#pragma once

#include <cstddef>
#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/file.hpp>
#include <leash/result.hpp>
#include <leash/track/tag.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// Writes to a file through a buffer, from its position on.
///
///     Writer writer(ctx, *file);
///     for (const auto& row : rows) {
///       if (auto written = writer.write(row); !written) return written;
///     }
///     return writer.close();
///
/// The first error sticks: all later calls return it, and write nothing. So it is enough to look at what `close`
/// returns. A write of the file that ends in an exception, such as one of a hook, counts as `io_error`. The file must
/// outlive this. The Context is asked each time the buffer is written. One thread at a time.
///
/// The destructor writes what is in the buffer, also if the Context is done, and leaves the file open. If the Context
/// carries a tracker, this has a tag, and an error of the destructor is a finding, `dropped`; without a tracker nobody
/// is told.
class Writer {
 public:
  static constexpr std::size_t default_buffer_size = std::size_t{64} << 10;

  /// If the tracker in the Context is closed, every call returns that error, `track::errc::tracker_closed`.
  Writer(Call call, File& file LEASH_LIFETIMEBOUND, std::size_t buffer_size = default_buffer_size);

  // What a call without a Context is told.
  explicit Writer(NoContext, std::size_t = 0);

  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  /// Writes `text`, now or later. Errors: those of `File::write`, which may be about what was written earlier, after
  /// which a part of that is in the file; `operation_canceled` and `timed_out` when the Context is done;
  /// `bad_file_descriptor` after `close`.
  [[nodiscard]] Result<void> write(std::string_view text, std::source_location site = std::source_location::current()) {
    if (text.size() >= room_) return write_through(text, site);  // So does an empty text where there is no room.
    next_ += text.copy(next_, text.size());
    room_ -= text.size();
    return {};
  }
  [[nodiscard]] Result<void> write(std::span<const std::byte> data,
                                   std::source_location site = std::source_location::current());

  /// Writes what is in the buffer to the file. Errors: as `write`.
  [[nodiscard]] Result<void> flush(std::source_location site = std::source_location::current());

  /// Writes what is in the buffer, and closes the file, also if the writing failed. Returns the first error of this
  /// Writer, else that of `File::close`. A further `close` does nothing, and returns `bad_file_descriptor`.
  [[nodiscard]] Result<void> close(std::source_location site = std::source_location::current());

 private:
  Result<void> write_through(std::string_view text, std::source_location site);
  Result<void> write_to_file(std::string_view text, std::source_location site);
  std::string_view unwritten() const noexcept;
  void stick(const Error& error) noexcept;

  File* file_;
  Context context_;
  std::source_location site_;
  std::size_t capacity_;
  std::unique_ptr<char[]> buffer_;  // NOLINT(*-avoid-c-arrays): not initialized
  char* next_ = nullptr;            // Where the next byte goes in the buffer.
  std::size_t room_ = 0;            // How many go there; 0 before there is a buffer, and after an error.
  bool closed_ = false;
  std::optional<Error> error_;
  track::Tag tag_;
};

}  // namespace LEASH_NAMESPACE::fs
