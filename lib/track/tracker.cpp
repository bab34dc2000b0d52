#include <algorithm>
#include <atomic>
#include <exception>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/tracker.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::track {

using leash::detail::Ref;
using leash::detail::Slot;

namespace detail {
namespace {

unsigned this_thread_number() noexcept {
  static std::atomic<unsigned> last{0};
  thread_local const unsigned number = ++last;
  return number;
}

Options with_defaults(Options options) {
  if (!options.clock) options.clock = Clock::real();
  return options;
}

}  // namespace

void destroy(TrackerState* state) noexcept { delete state; }
void destroy(const Record* record) noexcept { delete record; }

Record::Record(Ref<TrackerState> state_, const Resource& resource, std::source_location site_, Notes notes_,
               const Record* parent_, Stack opened_at_)
    : kind(resource.kind),
      name(resource.name),
      descriptor(resource.descriptor),
      site(site_),
      notes(std::move(notes_)),
      parent(parent_ != nullptr ? parent_->name : std::string()),
      opened_at(std::move(opened_at_)),
      opened(state_->clock().coarse_now()),
      thread(this_thread_number()),
      on_drop(resource.on_drop),
      state(std::move(state_)) {}

TrackerState::TrackerState(Options options) : options_(with_defaults(std::move(options))) {}

[[gnu::noinline]] Ref<Record> TrackerState::open(const Resource& resource, std::source_location site,
                                                 const Notes& notes, const Record* parent) {
  if (closed()) return nullptr;
  Ref<Record> record(
      new Record(Ref<TrackerState>(this), resource, site, notes, parent, capture_stack(options_.depth, 1)));
  const std::lock_guard lock(mutex_);
  if (closed()) return nullptr;
  record->serial = ++opened_;
  open_.emplace(record->serial, record.get());
  return record;
}

void TrackerState::forget(Record& record) noexcept {
  const std::lock_guard lock(mutex_);
  open_.erase(record.serial);
}

void TrackerState::close(Record& record) noexcept {
  if (!record.closed.exchange(true)) forget(record);
}

void TrackerState::drop(Ref<Record> record) noexcept {
  if (record->closed.exchange(true)) return;
  const OnDrop on_drop = record->on_drop.load(std::memory_order_relaxed);
  const bool finding =
      on_drop == OnDrop::error_lost || (on_drop == OnDrop::closed && options_.require_close == RequireClose::all);
  if (closed() || (on_drop != OnDrop::abandoned && !finding)) {
    forget(*record);
    return;
  }
  // Released after the lock: this may be the last owner of the tracker.
  const Ref<TrackerState> self = std::move(record->state);
  const Clock::time_point now = options_.clock->coarse_now();
  const std::lock_guard lock(mutex_);
  if (on_drop == OnDrop::abandoned) {
    abandoned_.push_back(std::move(record));
    return;
  }
  const bool excused = record->failed.load(std::memory_order_relaxed) || std::uncaught_exceptions() > 0;
  open_.erase(record->serial);
  dropped_.push_back({std::move(record), excused ? Severity::note : Severity::failure, now});
}

std::vector<Finding> TrackerState::findings(Severity of_open, Clock::time_point now) const {
  std::vector<Finding> findings;
  findings.reserve(open_.size() + dropped_.size());
  for (const auto& [serial, record] : open_) {
    const Clock::duration age = std::max(now - record->opened, Clock::duration::zero());
    findings.push_back({Ref<const Record>(record), Rule::leaked, of_open, age, now});
  }
  for (const Dropped& dropped : dropped_) {
    const Clock::duration age = std::max(dropped.when - dropped.record->opened, Clock::duration::zero());
    findings.push_back({Ref<const Record>(dropped.record.get()), Rule::dropped, dropped.severity, age, dropped.when});
  }
  return findings;
}

Report TrackerState::verdict() {
  std::call_once(judged_, [this] {
    std::vector<Finding> found;
    const Clock::time_point now = options_.clock->now();
    {
      const std::lock_guard lock(mutex_);
      closed_.store(true, std::memory_order_release);
      found = findings(Severity::failure, now);
      verdict_.opened = opened_;
      verdict_.closed = opened_ - open_.size();
    }
    verdict_.verdict = true;
    verdict_.groups = group(std::move(found));
  });
  return verdict_;
}

Report TrackerState::snapshot() const {
  Report report;
  std::vector<Finding> found;
  const Clock::time_point now = options_.clock->now();
  {
    const std::lock_guard lock(mutex_);
    found = findings(Severity::note, now);
    report.opened = opened_;
    report.closed = opened_ - open_.size();
  }
  report.groups = group(std::move(found));
  return report;
}

std::size_t TrackerState::open_count() const noexcept {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace detail

Tracker::Tracker(Options options) : state_(new detail::TrackerState(std::move(options))) {}
Tracker::Tracker(Ref<detail::TrackerState> state) noexcept : state_(std::move(state)) {}
Tracker::Tracker(const Tracker&) noexcept = default;
Tracker& Tracker::operator=(const Tracker&) noexcept = default;
Tracker::~Tracker() = default;

Tag Tracker::create(const Resource& resource, std::source_location site, const Notes& notes) {
  Result<Tag> tag = try_create(resource, site, notes);
  if (!tag) throw std::logic_error("leash: " + to_string(tag.error()));
  return *std::move(tag);
}

Result<Tag> Tracker::try_create([[maybe_unused]] const Resource& resource, [[maybe_unused]] std::source_location site,
                                [[maybe_unused]] const Notes& notes) {
#if LEASH_TRACKING
  Ref<detail::Record> record = state_->open(resource, site, notes, nullptr);
  if (!record) return std::unexpected(tracker_closed_error("acquire", resource.name, site));
  return Tag(std::move(record));
#else
  return Tag();
#endif
}

Report Tracker::close() { return state_->verdict(); }
Report Tracker::snapshot() const { return state_->snapshot(); }
std::size_t Tracker::open_count() const noexcept { return state_->open_count(); }
bool Tracker::closed() const noexcept { return state_->closed(); }

#if LEASH_TRACKING

Tag::Tag() noexcept = default;
Tag::Tag(Ref<detail::Record> record) noexcept : record_(std::move(record)) {}
Tag::Tag(Tag&&) noexcept = default;

Tag& Tag::operator=(Tag&& other) noexcept {
  if (this != &other) {
    drop();
    record_ = std::move(other.record_);
  }
  return *this;
}

Tag::~Tag() { drop(); }

void Tag::drop() noexcept {
  if (!record_) return;
  const Ref<detail::TrackerState> state = record_->state;
  state->drop(std::move(record_));
}

void Tag::close(std::source_location) noexcept {
  if (record_) record_->state->close(*record_);
}

void Tag::touch(std::source_location site) noexcept {
  if (!record_) return;
  record_->used_site.store(site, std::memory_order_relaxed);
  record_->used.store(record_->state->clock().coarse_now(), std::memory_order_relaxed);
}

void Tag::set_on_drop(OnDrop on_drop) noexcept {
  if (record_) record_->on_drop.store(on_drop, std::memory_order_relaxed);
}

void Tag::set_failed() noexcept {
  if (record_) record_->failed.store(true, std::memory_order_relaxed);
}

Tag Tag::child(const Resource& resource, std::source_location site) const {
  if (!record_) return {};
  Ref<detail::Record> record = record_->state->open(resource, site, record_->notes, record_.get());
  return record ? Tag(std::move(record)) : Tag();
}

#endif

TrackedContext with_tracker(const Context& context, Options options) {
  if (!options.clock) options.clock = context.clock();
  const Tracker tracker(std::move(options));
  return {tracker, with_tracker(context, tracker)};
}

Context with_tracker(const Context& context, const Tracker& tracker) {
  const Ref<detail::TrackerState> state = tracker.state_;
  return context.with_slot(Slot::tracker, std::shared_ptr<void>(state.get(), [state](void*) {}));
}

std::optional<Tracker> tracker_from(const Context& context) noexcept {
  auto* const state = static_cast<detail::TrackerState*>(context.slot(Slot::tracker));
  if (state == nullptr) return std::nullopt;
  return Tracker(Ref<detail::TrackerState>(state));
}

Error tracker_closed_error(std::string_view operation, std::string_view subject, std::source_location site) {
  return {operation, subject, make_error_code(errc::tracker_closed),
          "at " + std::string(site.file_name()) + ":" + std::to_string(site.line())};
}

Result<Tag> try_acquire(Call call, const Resource& resource) {
  std::optional<Tracker> tracker = tracker_from(call.context());
  if (!tracker) return Tag();
  return tracker->try_create(resource, call.site(), call.context().notes());
}

Tag acquire(Call call, const Resource& resource) {
  std::optional<Tracker> tracker = tracker_from(call.context());
  return tracker ? tracker->create(resource, call.site(), call.context().notes()) : Tag();
}

}  // namespace LEASH_NAMESPACE::track
