#include <leash/os/lazy.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/tracker.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::track {

using leash::detail::Slot;

using detail::tracker_closed_error;

Tracker::Tracker(Options options) : state_(new detail::TrackerState(std::move(options))) {}
Tracker::Tracker(const Tracker&) noexcept = default;
Tracker& Tracker::operator=(const Tracker&) noexcept = default;
Tracker::~Tracker() = default;

Tag Tracker::create([[maybe_unused]] const Resource& resource, [[maybe_unused]] std::source_location site,
                    [[maybe_unused]] const Notes& notes) {
#if LEASH_TRACKING
  return Tag(state_->create(resource, site, notes));
#else
  return Tag();
#endif
}

#if LEASH_TRACKING
Result<Tag> Tracker::tag_of(detail::Record* record, Call call, const Resource& resource, std::string_view operation) {
  if (record != nullptr) return Tag(record);
  state_->report_refused_open(resource, call.site(), call.context().notes());
  return std::unexpected(tracker_closed_error(operation, resource.name, call.site()));
}
#endif

Result<Tag> Tracker::try_create([[maybe_unused]] Call call, [[maybe_unused]] const Resource& resource,
                                [[maybe_unused]] std::string_view operation) {
#if LEASH_TRACKING
  return tag_of(state_->open(resource, call.site(), call.context().notes(), nullptr), call, resource, operation);
#else
  return Tag();
#endif
}

Result<Tag> Tracker::try_create([[maybe_unused]] Call call, [[maybe_unused]] const Resource& resource,
                                [[maybe_unused]] std::string_view operation, [[maybe_unused]] Request request) {
#if LEASH_TRACKING
  const auto place = detail::Place::from_bits(request.place_);
  return tag_of(state_->open_from(place, resource, call.context().notes()), call, resource, operation);
#else
  return Tag();
#endif
}

Request Tracker::request([[maybe_unused]] Call call) const noexcept {
#if LEASH_TRACKING
  return Request(state_->place_of_request(call.site()).bits());
#else
  return Request();
#endif
}

Result<void> Tracker::check(Call call, const Resource& resource, std::string_view operation) const {
  if (!closed()) return {};
  state_->report_refused_open(resource, call.site(), call.context().notes());
  return std::unexpected(tracker_closed_error(operation, resource.name, call.site()));
}

Report Tracker::close(Clock::duration settle) {
  state_->require_own_copy();
  return state_->verdict(settle);
}

Report Tracker::snapshot() const {
  state_->require_own_copy();
  return state_->snapshot();
}

Mark Tracker::mark() const {
  state_->require_own_copy();
  return state_->mark();
}

Report Tracker::report_since(const Mark& mark) const {
  state_->require_own_copy();
  return state_->report_since(mark);
}

void Tracker::set_baseline() {
  state_->require_own_copy();
  state_->set_baseline();
}

std::size_t Tracker::open_count() const noexcept { return state_->open_count(); }
bool Tracker::closed() const noexcept { return state_->closed(); }
Level Tracker::level() const noexcept { return state_->level(); }
void Tracker::set_level(Level level) noexcept { state_->set_level(level); }

TrackedContext with_tracker(const Context& context, Options options) {
  if (!options.clock) options.clock = context.clock();
  const Tracker tracker(std::move(options));
  return {tracker, with_tracker(context, tracker)};
}

Context with_tracker(const Context& context, const Tracker& tracker) {
  return context.with_slot(Slot::tracker, tracker);
}

std::optional<Tracker> tracker_from(const Context& context) noexcept {
  const Tracker* const tracker = find_tracker(context);
  return tracker == nullptr ? std::nullopt : std::optional<Tracker>(*tracker);
}

Tracker* find_tracker(const Context& context) noexcept {
  auto* const tracker = static_cast<Tracker*>(context.slot(Slot::tracker));
  if (tracker == nullptr || !tracker->state_->is_foreign()) [[likely]]
    return tracker;
  leash::detail::report_copy(tracker->state_->copy());
  return nullptr;
}

Tracker& process_tracker() {
  // Never destroyed: static variables may use it while they are being destroyed.
  static constinit os::Lazy<Tracker> tracker;
  return tracker.get([] {
    auto* const made = new Tracker();
    detail::collect_at_exit([] { return process_tracker().snapshot(); });
    return made;
  });
}

Result<Tag> try_acquire(Call call, const Resource& resource) {
  Tracker* const tracker = find_tracker(call.context());
  if (tracker == nullptr) return Tag();
  return tracker->try_create(call, resource);
}

Tag acquire(Call call, const Resource& resource) {
  Tracker* const tracker = find_tracker(call.context());
  return tracker == nullptr ? Tag() : tracker->create(resource, call.site(), call.context().notes());
}

}  // namespace LEASH_NAMESPACE::track
