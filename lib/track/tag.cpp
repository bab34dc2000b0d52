#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/tag.hpp>

#if LEASH_TRACKING

namespace LEASH_NAMESPACE::track {

using detail::Record;
using detail::TrackerState;

void Tag::end() noexcept { TrackerState::of(*record_).end_tag(*record_); }

void Tag::close(std::source_location site) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).close(*record_, site);
}

void Tag::release(std::source_location site) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).release(*record_, site);
}

void Tag::touch(std::source_location site) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).touch(*record_, site);
}

void Tag::touch_with_stack(std::source_location site) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).touch_with_stack(*record_, site);
}

void Tag::identify_by_ends() noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).identify_by_ends(*record_);
}

void Tag::identify(std::string_view name, int descriptor) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).identify(*record_, name, descriptor);
}

void Tag::set_on_drop(OnDrop on_drop) noexcept {
  if (record_ == nullptr) return;
  const std::uint32_t wanted = std::uint32_t{static_cast<unsigned char>(on_drop)} << Record::on_drop_shift;
  std::uint32_t state = record_->state.load(std::memory_order_relaxed);
  // A file sets `error_lost` at every write: nearly always nothing changes, and nothing must be stored.
  while ((state & Record::on_drop_mask) != wanted) {
    const std::uint32_t changed = (state & ~std::uint32_t{Record::on_drop_mask}) | wanted;
    if (record_->state.compare_exchange_weak(state, changed, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return;
    }
  }
}

void Tag::set_failed() noexcept {
  if (record_ != nullptr) record_->state.fetch_or(Record::failed, std::memory_order_acq_rel);
}

void Tag::note(std::string_view text, std::source_location site) const {
  if (record_ != nullptr) record_->ensure_extra().set_note(Notes().with(text, site));
}

void Tag::add_bytes_in(std::uint64_t bytes) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).add_bytes(*record_, &detail::Extra::bytes_in, bytes);
}

void Tag::add_bytes_out(std::uint64_t bytes) noexcept {
  if (record_ != nullptr) TrackerState::of(*record_).add_bytes(*record_, &detail::Extra::bytes_out, bytes);
}

Tag Tag::child(const Resource& resource, std::source_location site) const {
  if (record_ == nullptr) return {};
  TrackerState& tracker = TrackerState::of(*record_);
  const detail::Parent parent = tracker.as_parent(*record_, site);
  const detail::Extra* const extra = record_->extra.load(std::memory_order_acquire);
  Record* const record = tracker.open(resource, site, extra->notes, &parent);
  if (record == nullptr) tracker.report_refused_open(resource, site, extra->notes);
  return Tag(record);
}

Tag Tag::sibling(const Resource& resource, std::source_location site) const {
  if (record_ == nullptr) return {};
  TrackerState& tracker = TrackerState::of(*record_);
  const detail::Extra* const extra = record_->extra.load(std::memory_order_acquire);
  const Notes notes = extra == nullptr ? Notes() : extra->notes;
  Record* const record = tracker.open(resource, site, notes, nullptr);
  if (record == nullptr) tracker.report_refused_open(resource, site, notes);
  return Tag(record);
}

}  // namespace LEASH_NAMESPACE::track

#endif
