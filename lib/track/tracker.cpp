#include <leash/os/lazy.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
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

Counts Tracker::counts() const {
  state_->require_own_copy();
  return state_->counts();
}

std::optional<Clock::duration> Tracker::oldest() const {
  state_->require_own_copy();
  return state_->oldest();
}

namespace {

/// What a Registration of `on_threshold` holds. The Watch may outlive it for a moment, in the clock's thread.
class Watching final : public Registration::Hold {
 public:
  Watching(leash::detail::Ref<detail::TrackerState> tracker, std::shared_ptr<detail::Watch> watch)
      : tracker_(std::move(tracker)), watch_(std::move(watch)) {}
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching() override {
    tracker_->watches().remove(*watch_);
    watch_->stop();
  }

 private:
  const leash::detail::Ref<detail::TrackerState> tracker_;
  const std::shared_ptr<detail::Watch> watch_;
};

}  // namespace

Registration Tracker::on_threshold(const Threshold& threshold, Function<void(const ThresholdReached&)> callback) {
  state_->require_own_copy();
  const auto refuse = [](const char* what) {
    throw std::logic_error(std::string("leash: Tracker::on_threshold: ") + what);
  };
  if (!callback) refuse("the callback is empty");
  if (!threshold.open && !threshold.descriptors && !threshold.age) refuse("no limit is set");
  if (threshold.open && *threshold.open == 0) refuse("open is 0");
  // Written so that what is no number is refused.
  const auto is_within = [](double value, double least, double most) { return value >= least && value <= most; };
  if (threshold.descriptors && (*threshold.descriptors == 0 || !is_within(*threshold.descriptors, 0, 1))) {
    refuse("descriptors is not above 0 and at most 1");
  }
  if (threshold.age && *threshold.age <= Clock::duration::zero()) refuse("age is not above 0");
  if (!is_within(threshold.rearm, 0, 1)) refuse("rearm is not from 0 to 1");
  const auto watch = std::make_shared<detail::Watch>(*state_, threshold, std::move(callback));
  auto hold = std::make_unique<Watching>(state_, watch);
  state_->watches().add(watch);
  return Registration(std::move(hold));
}
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
