#include <algorithm>
#include <cstring>
#include <exception>
#include <leash/os/happens_before.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/detail/tracker_state.hpp>
#include <leash/track/errc.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/store/places.hpp>
#include <leash/track/store/this_thread.hpp>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

using leash::detail::Ref;

constinit std::atomic<std::uint64_t> last_id{0};

/// Unique in the process: the number of a page of this copy of leash, which no other copy occupies, then a count.
std::uint64_t next_id() noexcept {
  static constexpr unsigned page_bits = 12;
  static constexpr unsigned counter_bits = 28;
  const std::uint64_t page = reinterpret_cast<std::uintptr_t>(&leash::detail::this_copy) >> page_bits;
  return (page << counter_bits) + last_id.fetch_add(1, std::memory_order_relaxed) + 1;
}

Options with_clock(Options options) {
  if (!options.clock) options.clock = Clock::real();
  return options;
}

/// Sixteen bits that tell the thread which closed a record from other threads: two have the same with a chance of 1 in
/// 65536. A hash of the address of its ThisThread, since a thread that only closes has no number.
std::uint32_t closer_id(const ThisThread& thread) noexcept {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&thread) * 0x9e3779b97f4a7c15ULL >> 48U);
}

/// Copies `size` bytes, at most 16, as memcpy does, but without a call.
[[gnu::always_inline]] inline void copy_short(char* to, const char* from, std::size_t size) noexcept {
  const auto copy_ends = [&]<class Word>(Word) {
    std::memcpy(to, from, sizeof(Word));
    std::memcpy(to + size - sizeof(Word), from + size - sizeof(Word), sizeof(Word));
  };
  if (size >= 8) {
    copy_ends(std::uint64_t{});
  } else if (size >= 4) {
    copy_ends(std::uint32_t{});
  } else {
    for (std::size_t at = 0; at < size; ++at) to[at] = from[at];
  }
}

void set_name(Record& record, std::string_view name) {
  if (name.size() <= Record::inline_name) {
    copy_short(record.name_text, name.data(), name.size());
    record.name_size = static_cast<unsigned char>(name.size());
  } else {
    record.ensure_extra().name = name;
    record.name_size = Record::long_name;
  }
}

}  // namespace

void destroy(TrackerState* state) noexcept { state->last_handle_gone(); }

void TrackerState::require_own_copy() const {
  if (!is_foreign()) return;
  leash::detail::report_copy(copy_);
  throw std::logic_error("leash: this tracker was made by another copy of leash in the process");
}

Error tracker_closed_error(std::string_view operation, std::string_view subject, std::source_location site) {
  return {operation, subject, make_error_code(errc::tracker_closed),
          "at " + std::string(site.file_name()) + ":" + std::to_string(site.line())};
}

TrackerState::TrackerState(Options options)
    : id_(next_id()),
      options_(with_clock(std::move(options))),
      level_(options_.level.value_or(default_level())),
      depth_(std::min(options_.depth.value_or(default_depth()), max_depth)),
      began_(options_.clock->coarse_now()) {
  if constexpr (!tracking_enabled) return;
  if (options_.rules.untracked != Severity::off) {
    releases_.emplace();
    descriptors_at_start_ = os::open_descriptors();
  }
  begin_dumps(*this);
}

void TrackerState::last_handle_gone() noexcept {
  // Then the tracker's memory is leaked: only its own copy can tell whether tags still use it.
  if (is_foreign()) return;
  if constexpr (tracking_enabled) end_dumps(*this);
  const std::uint64_t tags = shards_.disown(this_thread().index);
  if (handles_gone(tags)) delete this;
}

Shard& TrackerState::shard_for(ThisThread& thread) {
  if (thread.tracker_id != id_) {
    Shard& shard = shards_.at(*this, thread.index);
    if (thread.index == 0) return shard;
    thread.shard = &shard;
    // A signal handler that finds the id finds the shard too.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread.tracker_id = id_;
  }
  // Busy: this is a signal handler that interrupted the thread's own work on that shard.
  return thread.shard->busy() ? shards_.at(*this, 0) : *thread.shard;
}

[[gnu::always_inline]] inline Place TrackerState::place_with_stack(Level level, std::source_location location,
                                                                   const ThisThread& thread, std::size_t skip,
                                                                   Purpose purpose) noexcept {
  if (level == Level::count) return {};
  const std::uint32_t site = intern_site(location, thread);
  if (level == Level::stack && depth_ != 0) {
    const std::uint32_t stack = capture_stack_id(options_.unwinder, depth_, skip, site, intern_stack, purpose);
    if (stack != 0) return Place::of_stack(stack);
    without_stack_.fetch_add(1, std::memory_order_relaxed);
  }
  return Place::of_site(site);
}

[[gnu::always_inline]] inline Place TrackerState::place_of_close(std::source_location location,
                                                                 const ThisThread& thread,
                                                                 std::size_t skip) const noexcept {
  const Level level = this->level();
  if (level == Level::count) return {};
  const std::uint32_t site = intern_site(location, thread);
  if (options_.close_stack && level == Level::stack) {
    const std::uint32_t stack = capture_stack_id(options_.unwinder, depth_, skip, site, intern_stack, Purpose::closing);
    if (stack != 0) return Place::of_stack(stack);
  }
  return Place::of_site(site);
}

Place TrackerState::closed_at(const Record& record) noexcept {
  return Place::from_bits(record.closed_at.load(std::memory_order_acquire));
}

[[gnu::always_inline]] inline void TrackerState::fill_and_publish(Record& record, Shard& shard, const RecordInit& init,
                                                                  const ThisThread& thread) noexcept {
  record.opened_at = init.place.bits();
  record.closed_at.store(0, std::memory_order_relaxed);
  record.used.store(0, std::memory_order_relaxed);
  record.thread = thread.number;
  record.descriptor.store(init.descriptor, std::memory_order_relaxed);
  record.opened_and_kind = init.opened_and_kind;
  shard.publish(record, init.state | Record::unwinding_bits(*thread.uncaught_exceptions));
}

template <class SlowPath>
[[gnu::always_inline]] inline Record* TrackerState::open_fast_or(const Resource& resource,
                                                                 std::source_location location, const Notes& notes,
                                                                 bool is_child, SlowPath slow_path) {
  const Level level = this->level();
  const bool counts_only = level == Level::count;
  // First, because it is a call: there are few values yet that must be saved across it.
  const std::uint64_t opened = counts_only ? 0 : now_us();
  ThisThread& thread = registered_thread();
  const RecordInit init{
      .state = Record::open | std::uint32_t{static_cast<unsigned char>(resource.on_drop)} << Record::on_drop_shift,
      .place = place_with_stack(level, location, thread, 1),
      .descriptor = resource.descriptor,
      .opened_and_kind = opened << Record::kind_bits | intern_kind(resource.kind, thread),
      .name = counts_only ? std::string_view() : resource.name,
      .notes = counts_only || notes.empty() ? nullptr : &notes};
  const bool simple = init.name.size() <= Record::inline_name && init.notes == nullptr && !is_child;
  if (simple && thread.tracker_id == id_ && thread.shard->try_enter_as_owner()) [[likely]] {
    Shard& shard = *thread.shard;
    // Only after entering the shard. This thread marks the shard as busy, then reads whether the tracker is closed;
    // `judge` closes the tracker, then waits until the shard is not busy: it sees this record, or this thread sees that
    // the tracker is closed.
    Record* const record = closed() ? nullptr : shard.try_take();
    if (record != nullptr) [[likely]] {
      copy_short(record->name_text, init.name.data(), init.name.size());
      record->name_size = static_cast<unsigned char>(init.name.size());
      fill_and_publish(*record, shard, init, thread);
      shard.leave();
      return record;
    }
    shard.leave();
  }
  return slow_path(RecordInit(init));
}

[[gnu::noinline]] Record* TrackerState::open(const Resource& resource, std::source_location location,
                                             const Notes& notes, const Parent* parent) {
  return open_fast_or(resource, location, notes, parent != nullptr,
                      [&](const RecordInit& init) { return open_slow(init, parent); });
}

[[gnu::noinline]] Place TrackerState::place_of_request(std::source_location location) noexcept {
  return place_with_stack(level(), location, registered_thread(), 1);
}

Record* TrackerState::open_from(Place place, const Resource& resource, const Notes& notes) {
  const bool counts_only = level() == Level::count;
  const ThisThread& thread = registered_thread();
  return open_slow(
      {.state = Record::open | std::uint32_t{static_cast<unsigned char>(resource.on_drop)} << Record::on_drop_shift,
       .place = counts_only ? Place() : place,
       .descriptor = resource.descriptor,
       .opened_and_kind = (counts_only ? 0 : now_us()) << Record::kind_bits | intern_kind(resource.kind, thread),
       .name = counts_only ? std::string_view() : resource.name,
       .notes = counts_only || notes.empty() ? nullptr : &notes},
      nullptr);
}

[[gnu::noinline]] Record* TrackerState::create(const Resource& resource, std::source_location location,
                                               const Notes& notes) {
  return open_fast_or(resource, location, notes, false,
                      [&](const RecordInit& init) { return create_slow(resource, location, notes, init); });
}

[[gnu::noinline]] Record* TrackerState::create_slow(const Resource& resource, std::source_location location,
                                                    const Notes& notes, const RecordInit& init) {
  Record* const record = open_slow(init, nullptr);
  if (record != nullptr) return record;
  report_refused_open(resource, location, notes);
  throw std::logic_error("leash: " + to_string(tracker_closed_error("acquire", resource.name, location)));
}

[[gnu::noinline]] Record* TrackerState::open_slow(const RecordInit& init, const Parent* parent) {
  require_own_copy();
  ThisThread& thread = registered_thread();
  Shard& shard = shard_for(thread);
  Record* record = nullptr;
  bool grown = false;
  {
    const Shard::BiasedLock lock(shard, thread);
    if (closed()) return nullptr;
    const std::uint32_t pages = shard.pages();
    record = &fill_slow(shard, init, parent, thread);
    grown = shard.pages() > pages;
  }
  // Not in a signal handler, which has interrupted the thread's work on its own shard.
  if (grown && shard.owner() != 0) {
    watches_.look_soon();
    go_on_with_dumps();
  }
  return record;
}

Record& TrackerState::fill_slow(Shard& shard, const RecordInit& init, const Parent* parent, const ThisThread& thread) {
  Record& record = shard.take();
  os::happens_after(&record);
  RecordInit all = init;
  try {
    set_name(record, init.name);
    if (init.notes != nullptr) record.ensure_extra().notes = *init.notes;
    if (parent != nullptr) {
      record.ensure_extra().as_child = parent->family;
      all.state |= Record::child;
      // To open a child of a resource that is closed is a use after close, which `as_parent` records.
      if (parent->closed) all.state |= Record::orphan_handled;
    }
  } catch (...) {
    if (Extra* const extra = record.extra.load(std::memory_order_relaxed); extra != nullptr) extra->clear();
    shard.cancel(record);
    throw;
  }
  os::happens_before(&record);
  fill_and_publish(record, shard, all, thread);
  return record;
}

[[gnu::always_inline]] inline bool TrackerState::mark_closed(Record& record, Place place, const ThisThread& thread,
                                                             std::uint32_t& before) noexcept {
  std::uint32_t added = Record::closed | closer_id(thread) << Record::closer_shift;
  before = record.state.load(std::memory_order_relaxed);
  if ((before & Record::child) != 0 && record.family_as_child()->parent_closed) added |= Record::orphaned;
  do {
    if ((before & Record::open) == 0) return false;
  } while (!record.state.compare_exchange_weak(before, (before & ~Record::open) | added));
  record.closed_at.store(place.bits(), std::memory_order_release);
  Page::of(record).shard->count_closed(record, thread);
  return true;
}

void TrackerState::note_late_close_and_wake(Record& record, std::uint32_t before) noexcept {
  if ((before & Record::reported) != 0) note_use(record, Place());
  // All sequentially consistent. This thread marked the record as closed, and now reads `settling_`; the thread in
  // `wait_until_closed` changes `settling_`, then reads the states of all records. It sees this record closed, or this
  // thread sees that it waits.
  if (settling_.load() != 0) {
    closes_while_settling_.fetch_add(1);
    wake_.notify_all();
  }
}

void TrackerState::close(Record& record, std::source_location location) noexcept {
  const ThisThread& thread = this_thread();
  const Level level = this->level();
  const std::uint32_t site = level == Level::count ? 0 : cached_site(location, thread);
  if (site == site_not_cached || (options_.close_stack && level == Level::stack)) {
    close_uncached(record, location);
  } else {
    close_at(record, Place::of_site(site), thread);
  }
}

[[gnu::noinline]] void TrackerState::close_uncached(Record& record, std::source_location location) noexcept {
  const ThisThread& thread = this_thread();
  close_at(record, place_of_close(location, thread, 1), thread);
}

[[gnu::noinline]] void TrackerState::release(Record& record, std::source_location location) noexcept {
  const ThisThread& thread = this_thread();
  const Place place = place_of_close(location, thread, 1);
  // Before the close, so that a thread that judges descriptors finds the open record or the release.
  if ((record.state.load(std::memory_order_acquire) & Record::open) != 0) {
    note_release(record.descriptor.load(std::memory_order_relaxed), {Place::from_bits(record.opened_at), place});
  }
  close_at(record, place, thread);
}

[[gnu::always_inline]] inline void TrackerState::close_at(Record& record, Place place,
                                                          const ThisThread& thread) noexcept {
  std::uint32_t before = 0;
  if (!mark_closed(record, place, thread, before)) [[unlikely]] {
    record_double_close(record, place);
    return;
  }
  Place::note_closed(Place::from_bits(record.opened_at), place);
  const bool has_extra = record.extra.load(std::memory_order_acquire) != nullptr;
  if (has_extra || (before & Record::reported) != 0 || settling_.load() != 0)
    finish_unusual_close(record, place, before);
}

[[gnu::noinline]] void TrackerState::record_double_close(Record& record, Place place) noexcept {
  record_finding(Rule::double_close, Severity::failure, record, closed_at(record), place);
}

[[gnu::noinline]] void TrackerState::finish_unusual_close(Record& record, Place place, std::uint32_t before) noexcept {
  note_late_close_and_wake(record, before);
  if (Family* const family = record.family_as_parent(); family != nullptr) {
    family->closed_us = now_us();
    family->closed_at = place.bits();
    family->parent_closed = true;
  }
}

void TrackerState::end_tag(Record& record) noexcept {
  static constexpr std::uint32_t unusual = Record::open | Record::orphaned | Record::reported | Record::pinned;
  const bool usual = (record.state.load(std::memory_order_acquire) & unusual) == 0 &&
                     record.extra.load(std::memory_order_acquire) == nullptr;
  if (!usual || !Page::of(record).shard->try_put_back_as_owner(record, this_thread())) end_unusual_tag(record);
}

[[gnu::noinline]] void TrackerState::end_unusual_tag(Record& record) noexcept {
  std::uint32_t state = record.state.load(std::memory_order_acquire);
  if ((state & Record::open) != 0) {
    if (!drop(record)) return;
    state = record.state.load(std::memory_order_acquire);
  }
  if ((state & (Record::orphaned | Record::reported)) != 0) {
    record_marked_findings(record, state);
    state = record.state.load(std::memory_order_acquire);
  }
  os::happens_before(&record);
  // A record that is closed, with no finding marked, gets no new pins: if it has none now, it never will. If it has
  // one, `ended` tells the thread that unpins it to put it back.
  if ((state & Record::pinned) != 0 && (record.state.fetch_or(Record::ended) & Record::pinned) != 0) return;
  put_back(record);
}

[[gnu::noinline]] bool TrackerState::drop(Record& record) noexcept {
  const OnDrop on_drop = Record::on_drop_of(record.state.load(std::memory_order_acquire));
  if (on_drop == OnDrop::abandoned) {
    // The resource stays open, and so does its record: until the tracker is destroyed.
    if (tag_ended()) delete this;
    return false;
  }
  std::uint32_t before = 0;
  if (mark_closed(record, {}, this_thread(), before)) note_late_close_and_wake(record, before);
  const bool lost = on_drop == OnDrop::error_lost || options_.require_close == RequireClose::all;
  if (lost && (before & Record::reported) == 0) {
    const bool excused = (before & Record::failed) != 0 ||
                         static_cast<unsigned>(std::uncaught_exceptions()) > Record::unwinding_of(before);
    record_finding(Rule::dropped, excused ? Severity::note : Severity::failure, record, {}, {});
  }
  return true;
}

void TrackerState::put_back(Record& record) noexcept {
  if (Page::of(record).shard->put_back(record, this_thread())) delete this;
}

void TrackerState::touch(Record& record, std::source_location location) noexcept {
  if ((record.state.load(std::memory_order_relaxed) & Record::closed) != 0) {
    record_use_after_close(record, place_of_close(location, this_thread(), 1));
    return;
  }
  if (level() != Level::count) note_use(record, Place::of_site(intern_site(location)));
}

[[gnu::noinline]] void TrackerState::touch_with_stack(Record& record, std::source_location location) noexcept {
  const Place place = place_with_stack(level(), location, registered_thread(), 1, Purpose::use);
  const bool closed = (record.state.load(std::memory_order_relaxed) & Record::closed) != 0;
  closed ? record_use_after_close(record, place) : note_use(record, place);
}

[[gnu::noinline]] void TrackerState::record_use_after_close(Record& record, Place place) noexcept {
  const std::uint32_t state = record.state.load(std::memory_order_relaxed);
  const bool by_this_thread = state >> Record::closer_shift == closer_id(this_thread());
  record_finding(Rule::use_after_close, by_this_thread ? Severity::failure : Severity::note, record, closed_at(record),
                 place);
}

void TrackerState::identify(Record& record, std::string_view name, int descriptor) const noexcept {
  record.descriptor.store(descriptor, std::memory_order_relaxed);
  if (level() == Level::count) return;
  try {
    record.ensure_extra().set_identity(name, os::open_descriptor(descriptor));
  } catch (const std::bad_alloc&) {
    return;
  }
}

void TrackerState::identify_by_ends(Record& record) const noexcept {
  if (level() == Level::count) return;
  try {
    record.ensure_extra().named_by_ends.store(true, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    return;
  }
}

void TrackerState::add_bytes(Record& record, std::atomic<std::uint64_t> Extra::* sum,
                             std::uint64_t bytes) const noexcept {
  if (level() == Level::count) return;
  try {
    (record.ensure_extra().*sum).fetch_add(bytes, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    return;
  }
}

[[gnu::always_inline]] inline void TrackerState::note_use(Record& record, Place place) const noexcept {
  static constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t now = now_us();
  const std::uint64_t open_for_ms = now > record.opened_us() ? (now - record.opened_us()) / 1000 : 0;
  record.used_at.store(place.bits(), std::memory_order_relaxed);
  record.used.store(static_cast<std::uint32_t>(std::min(open_for_ms + 1, most)), std::memory_order_relaxed);
}

Parent TrackerState::as_parent(Record& record, std::source_location location) {
  const bool closed = (record.state.load(std::memory_order_acquire) & Record::closed) != 0;
  if (closed) {
    record_finding(Rule::use_after_close, Severity::failure, record, closed_at(record),
                   Place::of_site(intern_site(location)));
  }
  std::atomic<Family*>& as_parent = record.ensure_extra().as_parent;
  Family* known = as_parent.load(std::memory_order_acquire);
  if (known != nullptr) return {Ref<Family>(known), closed};
  const Ref<Family> fresh(new Family(record.shown_name()));
  // The reference that the record owns.
  fresh->add_ref();
  if (as_parent.compare_exchange_strong(known, fresh.get(), std::memory_order_acq_rel)) return {fresh, closed};
  fresh->drop_ref();
  return {Ref<Family>(known), closed};
}

std::size_t TrackerState::open_count() const noexcept {
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  // `closed` first: a tag that is opened and closed in between would otherwise be counted as closed but not as opened.
  // Another copy has kinds of its own.
  const unsigned slots = is_foreign() ? kind_slots : kind_slots_in_use();
  shards_.each([&](const Shard& shard) {
    for (unsigned slot = 0; slot < slots; ++slot) closed += shard.closed(slot);
  });
  shards_.each([&](const Shard& shard) {
    for (unsigned slot = 0; slot < slots; ++slot) opened += shard.opened(slot);
  });
  return static_cast<std::size_t>(opened - closed);
}

Counts TrackerState::counts() const {
  std::array<KindCount, kind_slots> all{};
  const unsigned slots = kind_slots_in_use();
  // `closed` first, as in `open_count`.
  shards_.each([&](const Shard& shard) {
    for (unsigned slot = 0; slot < slots; ++slot) all[slot].closed += shard.closed(slot);
  });
  shards_.each([&](const Shard& shard) {
    for (unsigned slot = 0; slot < slots; ++slot) all[slot].opened += shard.opened(slot);
  });
  Counts counts;
  for (unsigned slot = 0; slot < slots; ++slot) {
    KindCount& count = all[slot];
    if (count.opened == 0) continue;
    count.kind = slot == shared_kind_slot ? Kind{"other resource", "other resources"}
                                          : kind_at(static_cast<std::uint16_t>(slot));
    counts.opened += count.opened;
    counts.closed += count.closed;
    counts.kinds.push_back(count);
  }
  return counts;
}

}  // namespace LEASH_NAMESPACE::track::detail
