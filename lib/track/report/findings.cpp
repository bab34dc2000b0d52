#include <algorithm>
#include <chrono>
#include <iterator>
#include <leash/os/open_descriptors.hpp>
#include <leash/track/report/findings.hpp>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

Clock::duration duration_of(std::uint64_t microseconds) {
  // The sum of many ages may be more than there is.
  constexpr auto most = std::chrono::duration_cast<std::chrono::microseconds>(Clock::duration::max()).count();
  return std::chrono::microseconds(std::min(microseconds, static_cast<std::uint64_t>(most)));
}

/// `a - b`, but 0 if `b` is greater.
std::uint64_t saturating_sub(std::uint64_t a, std::uint64_t b) noexcept { return a > b ? a - b : 0; }

/// What `Instance::perhaps_closed` is.
bool is_perhaps_closed(const Instance& instance, const Extra& extra) {
  if (const auto identity = extra.identity()) return os::open_descriptor(instance.descriptor) != identity->open;
  if (!extra.named_by_ends.load(std::memory_order_relaxed)) return false;
  const os::SocketEnds ends = os::socket_ends(instance.descriptor);
  if (ends.protocol.empty()) return true;
  // A socket of "unix" may have no names to tell it by, and one whose peer is gone has no ends any more.
  return ends.protocol == "tcp" && !ends.peer.empty() && ends.local + " -> " + ends.peer != instance.name;
}

/// The resource of `record` as the report shows it.
Instance instance_of(const Finding& finding, const Record& record) {
  Instance instance{.name = record.shown_name(),
                    .descriptor = record.descriptor.load(std::memory_order_relaxed),
                    .on_drop = Record::on_drop_of(record.state.load(std::memory_order_relaxed)),
                    .thread = record.thread,
                    .age = duration_of(saturating_sub(finding.now_us, record.opened_us()))};
  if (const Extra* const extra = record.extra.load(std::memory_order_acquire); extra != nullptr) {
    instance.notes = extra->notes.list();
    std::ranges::move(extra->note().list(), std::back_inserter(instance.notes));
    instance.bytes_in = extra->bytes_in.load(std::memory_order_relaxed);
    instance.bytes_out = extra->bytes_out.load(std::memory_order_relaxed);
    if (finding.rule == Rule::leaked) instance.perhaps_closed = is_perhaps_closed(instance, *extra);
    if (extra->as_child) instance.parent = extra->as_child->parent;
  }
  // Not at level `count`, where nothing has a name.
  const bool has_number = instance.descriptor >= 0 && record.opened_at != 0;
  if (instance.name.empty() && has_number && finding.rule == Rule::leaked) {
    instance.name = os::name_of_descriptor(instance.descriptor);
  }
  Event used_at = event_at(Place::from_bits(record.used_at.load(std::memory_order_relaxed)));
  if (record.used.load(std::memory_order_relaxed) != 0 && used_at) {
    instance.last_use = LastUse{std::move(used_at), duration_of(saturating_sub(finding.now_us, record.used_us()))};
  }
  return instance;
}

}  // namespace

Event event_at(Place place) {
  const std::span<const std::uintptr_t> addresses = place.addresses();
  return {place.site(), Stack{{addresses.begin(), addresses.end()}}};
}

std::size_t Findings::hash(const Key& key) noexcept {
  std::uint64_t hash = std::uint64_t{key.opened_at} << 32U | key.closed;
  hash ^= std::uint64_t{key.again} * 0x9e3779b97f4a7c15ULL;
  hash ^= std::uint64_t{key.kind} << 16U | std::uint64_t{static_cast<unsigned char>(key.rule)} << 8U |
          static_cast<unsigned char>(key.severity);
  hash *= 0xd6e8feb86659fd93ULL;
  return static_cast<std::size_t>(hash ^ hash >> 32U);
}

void Findings::grow_index() {
  std::vector<std::uint32_t> larger(std::max<std::size_t>(16, index_.size() * 2));
  for (std::uint32_t number = 0; number < entries_.size(); ++number) {
    std::size_t at = hash(entries_[number].key) & (larger.size() - 1);
    while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
    larger[at] = number + 1;
  }
  index_ = std::move(larger);
}

Findings::Entry& Findings::entry_for(const Key& key) {
  if (entries_.size() * 2 >= index_.size()) grow_index();
  std::size_t at = hash(key) & (index_.size() - 1);
  for (; index_[at] != 0; at = (at + 1) & (index_.size() - 1)) {
    Entry& known = entries_[index_[at] - 1];
    if (known.key == key) return known;
  }
  entries_.push_back({.key = key});
  index_[at] = static_cast<std::uint32_t>(entries_.size());
  return entries_.back();
}

void Findings::add_instance(Entry& entry, const Order& order, const Finding& finding, const Record& record) {
  const auto kept = entry.instances.size();
  if (kept == Group::max_instances) {
    if (order > entry.orders.back()) return;
    entry.instances.pop_back();
  }
  auto* const end = entry.orders.begin() + static_cast<std::ptrdiff_t>(entry.instances.size());
  auto* const position = std::upper_bound(entry.orders.begin(), end, order);
  const auto at = position - entry.orders.begin();
  std::move_backward(position, end, end + 1);
  *position = order;
  entry.instances.insert(entry.instances.begin() + at, instance_of(finding, record));
}

void Findings::add(const Finding& finding, const Record& record) {
  const auto kind = static_cast<std::uint16_t>(record.opened_and_kind & ((1U << Record::kind_bits) - 1));
  Entry& entry =
      entry_for({record.opened_at, finding.closed.bits(), finding.again.bits(), kind, finding.rule, finding.severity});
  const std::uint64_t age = saturating_sub(finding.now_us, record.opened_us());
  entry.min_age_us = entry.count == 0 ? age : std::min(entry.min_age_us, age);
  entry.max_age_us = std::max(entry.max_age_us, age);
  entry.total_age_us += age;
  ++entry.count;
  ++resources_;
  if (entry.threads.empty() || entry.threads.back() != record.thread) {
    const auto position = std::ranges::lower_bound(entry.threads, record.thread);
    if (position == entry.threads.end() || *position != record.thread) entry.threads.insert(position, record.thread);
  }
  add_instance(entry, {record.opened_us(), record.serial, record.thread}, finding, record);
}

std::vector<Group> Findings::groups() const {
  std::vector<const Entry*> order;
  order.reserve(entries_.size());
  for (const Entry& entry : entries_) order.push_back(&entry);
  std::ranges::sort(order, [](const Entry* a, const Entry* b) {
    if (a->count != b->count) return a->count > b->count;
    if (a->orders.front() != b->orders.front()) return a->orders.front() < b->orders.front();
    // The first resource of both is the same one: the group that was begun first comes first.
    return a < b;
  });
  std::vector<Group> groups;
  groups.reserve(order.size());
  for (const Entry* const entry : order) {
    const Place opened_at = Place::from_bits(entry->key.opened_at);
    groups.push_back({.rule = entry->key.rule,
                      .severity = entry->key.severity,
                      .kind = kind_at(entry->key.kind),
                      .opened = event_at(opened_at),
                      .closed = event_at(Place::from_bits(entry->key.closed)),
                      .again = event_at(Place::from_bits(entry->key.again)),
                      .others_closed_at = entry->key.rule == Rule::leaked ? opened_at.closed_at() : Site(),
                      .count = entry->count,
                      .threads = {entry->threads.begin(), entry->threads.end()},
                      .min_age = duration_of(entry->min_age_us),
                      .max_age = duration_of(entry->max_age_us),
                      .total_age = duration_of(entry->total_age_us),
                      .instances = entry->instances});
  }
  return groups;
}

void sort_groups(std::vector<Group>& groups) {
  std::vector<std::size_t> order(groups.size());
  for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
  // By position at last, so that the order is stable: std::stable_sort of libstdc++ 12 makes Clang warn.
  std::ranges::sort(order, {}, [&](std::size_t at) {
    return std::tuple(groups[at].severity != Severity::failure, ~groups[at].count, at);
  });
  std::vector<Group> sorted;
  sorted.reserve(groups.size());
  for (const std::size_t at : order) sorted.push_back(std::move(groups[at]));
  groups = std::move(sorted);
}

}  // namespace LEASH_NAMESPACE::track::detail
