#include <leash/fs/detail/temp_entry.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/track/tracker.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

TempEntry::TempEntry(Call call, FileSystem& files, Type type, std::string path)
    : files_(&files),
      type_(type),
      context_(call.context().without_cancel()),
      site_(call.site()),
      path_(std::move(path)) {}

Result<TempEntry> TempEntry::adopt(Call call, FileSystem& files, Type type, std::string path,
                                   std::string_view operation) {
  TempEntry entry(call, files, type, std::move(path));
  track::Tracker* const tracker = track::find_tracker(call.context());
  if (tracker == nullptr) return entry;
  const track::Kind kind = type == Type::file ? kinds::temp_file : kinds::temp_dir;
  auto tag = tracker->try_create(call, {kind, entry.path_, -1, track::OnDrop::closed}, operation);
  if (!tag) return std::unexpected(tag.error());
  entry.tag_ = *std::move(tag);
  return entry;
}

TempEntry::TempEntry(TempEntry&& other) noexcept
    : files_(std::exchange(other.files_, nullptr)),
      type_(other.type_),
      context_(std::move(other.context_)),
      site_(other.site_),
      path_(std::move(other.path_)),
      tag_(std::move(other.tag_)) {}

TempEntry& TempEntry::operator=(TempEntry&& other) noexcept {
  if (this == &other) return *this;
  end();
  files_ = std::exchange(other.files_, nullptr);
  type_ = other.type_;
  context_ = std::move(other.context_);
  site_ = other.site_;
  path_ = std::move(other.path_);
  tag_ = std::move(other.tag_);
  return *this;
}

TempEntry::~TempEntry() { end(); }

Result<void> TempEntry::remove(std::source_location site) {
  if (!owns()) return {};
  const Call call(context_, site);
  Result<void> removed = type_ == Type::file ? files_->remove(call, path_) : files_->remove_all(call, path_);
  if (!removed && removed.error() != std::errc::no_such_file_or_directory) {
    tag_.set_failed();
    return removed;
  }
  files_ = nullptr;
  tag_.close(site);
  return {};
}

void TempEntry::keep(std::source_location site) noexcept {
  if (!owns()) return;
  files_ = nullptr;
  tag_.release(site);
}

/// What cannot be removed stays behind, and nobody would know: the tag reports that, unless `remove` told its caller.
void TempEntry::end() noexcept {
  if (!owns()) return;
  bool removed = false;
  try {
    const Call call(context_, site_);
    const auto result = type_ == Type::file ? files_->remove(call, path_) : files_->remove_all(call, path_);
    removed = result || result.error() == std::errc::no_such_file_or_directory;
  } catch (...) {
    removed = false;
  }
  files_ = nullptr;
  if (!removed) tag_.set_on_drop(track::OnDrop::error_lost);
}

}  // namespace LEASH_NAMESPACE::fs::detail
