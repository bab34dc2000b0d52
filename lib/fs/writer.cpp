#include <algorithm>
#include <leash/fs/kinds.hpp>
#include <leash/fs/writer.hpp>
#include <leash/track/tracker.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs {

Writer::Writer(Call call, File& file, std::size_t buffer_size)
    : file_(&file), context_(call.context()), site_(call.site()), capacity_(std::max<std::size_t>(buffer_size, 1)) {
  track::Tracker* const tracker = track::find_tracker(context_);
  if (tracker == nullptr) return;
  auto tag = tracker->try_create(call, {kinds::writer, file.path(), -1, track::OnDrop::closed}, "write");
  if (tag) {
    tag_ = *std::move(tag);
  } else {
    stick(tag.error());
  }
}

Writer::~Writer() {
  if (unwritten().empty()) return;
  try {
    if (file_->write(unwritten(), site_)) return;
  } catch (...) {
    next_ = nullptr;
  }
  tag_.set_on_drop(track::OnDrop::error_lost);
}

/// What the file has not been given yet. Nothing after an error: some of it may be in the file.
std::string_view Writer::unwritten() const noexcept {
  if (!buffer_ || error_) return {};
  return {buffer_.get(), static_cast<std::size_t>(next_ - buffer_.get())};
}

void Writer::stick(const Error& error) noexcept {
  error_ = error;
  room_ = 0;
  tag_.set_failed();
}

Result<void> Writer::write_to_file(std::string_view text, std::source_location site) {
  tag_.touch(site);
  Result<void> result = context_.check("write", file_->path());
  try {
    if (result) result = file_->write(text, site);
  } catch (...) {
    // As much of it as of what fails may be in the file: nothing is written again.
    stick(Error("write", file_->path(), std::errc::io_error, "an earlier write ended in an exception"));
    throw;
  }
  if (!result) stick(result.error());
  return result;
}

Result<void> Writer::write_through(std::string_view text, std::source_location site) {
  if (auto flushed = flush(site); !flushed) return flushed;
  if (text.size() >= capacity_) return write_to_file(text, site);
  if (!buffer_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);  // NOLINT(*-avoid-c-arrays)
    next_ = buffer_.get();
    room_ = capacity_;
  }
  next_ += text.copy(next_, text.size());
  room_ -= text.size();
  return {};
}

Result<void> Writer::write(std::span<const std::byte> data, std::source_location site) {
  return write(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()), site);
}

Result<void> Writer::flush(std::source_location site) {
  if (error_) return std::unexpected(*error_);
  const std::string_view text = unwritten();
  if (text.empty()) return {};
  if (auto written = write_to_file(text, site); !written) return written;
  next_ = buffer_.get();
  room_ = capacity_;
  return {};
}

Result<void> Writer::close(std::source_location site) {
  if (closed_) return fail("close", file_->path(), std::errc::bad_file_descriptor);
  const Result<void> flushed = flush(site);
  const Result<void> closed = file_->close(site);
  closed_ = true;
  tag_.close(site);
  stick(Error("write", file_->path(), std::errc::bad_file_descriptor));
  return flushed ? closed : flushed;
}

}  // namespace LEASH_NAMESPACE::fs
