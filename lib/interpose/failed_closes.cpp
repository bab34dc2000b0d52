#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <leash/interpose/failed_closes.hpp>
#include <leash/track/report/findings.hpp>
#include <leash/track/rule.hpp>
#include <leash/track/symbols.hpp>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::interpose {
namespace {

using track::Rule;
using track::detail::Place;

struct FailedClose {
  enum State : unsigned char { empty, counts, does_not_count };

  int number = -1;
  const track::Kind* kind = nullptr;
  Life last = {};
  Life before = {};
  Place again = {};
  std::atomic<State> state{empty};  ///< Stored when all else is there.
};

constexpr std::size_t room = 1024;
constinit std::array<FailedClose, room> all;
constinit std::atomic<std::uint64_t> added{0};

/// The closes at one place of numbers that rise, or fall, of which the last one is under way.
struct Row {
  static constexpr unsigned is_loop = 3;

  const void* caller = nullptr;
  int number = -1;
  bool rises = false;
  unsigned length = 1;
  std::array<FailedClose*, is_loop - 1> failed{};  ///< Those of them that have failed.
};

constinit thread_local Row row;

/// The functions of a stack, the outermost first, with those that are inlined. Addresses of those without a name.
std::vector<std::string> functions_of(Place place) {
  std::vector<std::string> functions;
  for (const std::uintptr_t address : place.addresses()) {
    for (const track::Frame& frame : track::resolve(address)) {
      functions.push_back(frame.function.empty() ? std::to_string(address) : frame.function);
    }
  }
  std::ranges::reverse(functions);
  return functions;
}

/// How many of the outermost functions two stacks have in common.
std::size_t common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// Whether the close that succeeded was of who had closed the number before, and the one that failed the owner's. Told
/// by the functions that they came from: the first has more of them in common with the life before.
bool is_closed_by_other(const FailedClose& close) {
  if (close.before.closed == Place() || close.before.opened == close.last.opened) return false;
  const std::vector<std::string> closer = functions_of(close.last.closed);
  const std::vector<std::string> owner = functions_of(close.last.opened);
  const std::size_t with_owner = common(closer, owner);
  const std::size_t with_other =
      std::max(common(closer, functions_of(close.before.closed)), common(closer, functions_of(close.before.opened)));
  return with_other > with_owner && common(functions_of(close.again), owner) >= with_owner;
}

track::Group group_of(const FailedClose& close) {
  track::Group group{.rule = is_closed_by_other(close) ? Rule::closed_by_other : Rule::double_close,
                     .severity = track::Severity::failure,
                     .kind = *close.kind,
                     .opened = track::detail::event_at(close.last.opened),
                     .closed = track::detail::event_at(close.last.closed),
                     .again = track::detail::event_at(close.again),
                     .count = 1};
  group.instances.push_back({.name = "descriptor " + std::to_string(close.number)});
  return group;
}

bool is_equal(const FailedClose& a, const FailedClose& b) {
  return a.kind == b.kind && a.last.opened == b.last.opened && a.last.closed == b.last.closed && a.again == b.again;
}

/// Whether both are calls of one loop, which the compiler may have unrolled.
bool is_one_place(const void* a, const void* b) noexcept {
  constexpr std::uintptr_t nearby = 64;
  const auto first = reinterpret_cast<std::uintptr_t>(a);
  const auto second = reinterpret_cast<std::uintptr_t>(b);
  return first != 0 && second != 0 && (first < second ? second - first : first - second) <= nearby;
}

}  // namespace

void FailedCloses::begin(int number, const void* caller) noexcept {
  Row& now = row;
  const bool rises = number > now.number;
  const bool goes_on =
      is_one_place(caller, now.caller) && number != now.number && (now.length < 2 || rises == now.rises);
  now.number = number;
  now.caller = caller;
  now.rises = rises;
  if (!goes_on) {
    now.length = 1;
    now.failed = {};
    return;
  }
  if (now.length == Row::is_loop) return;
  ++now.length;
  if (now.length < Row::is_loop) return;
  for (FailedClose* const each : now.failed) {
    if (each != nullptr) each->state.store(FailedClose::does_not_count);
  }
}

void FailedCloses::add(int number, const track::Kind& kind, const Life& last, const Life& before,
                       Place again) noexcept {
  if (row.length >= Row::is_loop || last.closed == Place()) return;
  const std::uint64_t at = added.fetch_add(1);
  if (at >= room) return;
  FailedClose& close = all[at];
  close.number = number;
  close.kind = &kind;
  close.last = last;
  close.before = before;
  close.again = again;
  close.state.store(FailedClose::counts);
  row.failed[row.length - 1] = &close;
}

std::vector<track::Group> FailedCloses::groups() {
  std::vector<std::pair<const FailedClose*, track::Group>> found;
  const auto known = std::min<std::uint64_t>(added.load(), room);
  for (std::size_t at = 0; at < known; ++at) {
    const FailedClose& close = all[at];
    if (close.state.load() != FailedClose::counts) continue;
    const auto same = std::ranges::find_if(found, [&](const auto& each) { return is_equal(*each.first, close); });
    if (same == found.end()) {
      found.emplace_back(&close, group_of(close));
    } else {
      ++same->second.count;
    }
  }
  std::vector<track::Group> groups;
  groups.reserve(found.size());
  for (auto& [close, group] : found) groups.push_back(std::move(group));
  return groups;
}

void FailedCloses::forget() noexcept {
  for (FailedClose& each : all) each.state.store(FailedClose::empty);
  added.store(0);
}

std::uint64_t FailedCloses::left_out() noexcept {
  const std::uint64_t all_added = added.load();
  return all_added > room ? all_added - room : 0;
}

}  // namespace LEASH_NAMESPACE::interpose
