#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/report/findings.hpp>
#include <leash/track/report/untracked.hpp>
#include <leash/track/store/releases.hpp>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr Kind descriptor_kind{"descriptor", "descriptors"};

/// A suspect that changes while it is examined is examined again in the next round. One that changes in all rounds is
/// not reported.
constexpr int most_rounds = 10;

/// A descriptor that may be untracked, with its entry in the owner table from before `wait_for_openings`.
struct Suspect {
  os::OpenDescriptor open;
  os::Ownership ownership;
};

/// A descriptor that is untracked.
struct Untracked {
  int number;
  Origin origin;
  Release release;
  os::DescriptorText text;
};

/// Whether leash owns the descriptor, or is closing it.
bool is_leash_owner(os::Ownership ownership) noexcept {
  return ownership.owner() == os::Owner::leash || ownership.owner() == os::Owner::closing;
}

/// Erases the suspects whose numbers are in `tagged`, which is sorted.
void erase_tagged(std::vector<Suspect>& suspects, const std::vector<int>& tagged) {
  std::erase_if(suspects,
                [&](const Suspect& suspect) { return std::ranges::binary_search(tagged, suspect.open.number); });
}

/// The kind of unlisted descriptors that a descriptor with this text may be one of.
os::Unlisted unlisted_kind_of(const os::DescriptorText& text) {
  return text.target.starts_with("socket:") ? os::Unlisted::sockets : os::Unlisted::files;
}

/// Finds out how the process came by the descriptor, and what it is open on.
Untracked examine(const Suspect& suspect) {
  const int number = suspect.open.number;
  Untracked found{number, Origin::past_leash, {}, os::describe_descriptor(number)};
  if (suspect.ownership.owner() == os::Owner::handle) {
    found.origin = Origin::without_tag;
  } else if (const std::optional<Release> release = release_of(number)) {
    found.origin = Origin::released;
    found.release = *release;
  }
  return found;
}

/// The untracked descriptors by number; the parameters are those of `untracked_groups`.
std::vector<Untracked> find_untracked(const os::DescriptorList& at_start,
                                      const std::function<std::vector<int>()>& tagged) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  std::vector<Untracked> found;
  os::DescriptorList open = os::open_descriptors();
  std::erase_if(open, [&](const os::OpenDescriptor& one) { return std::ranges::binary_search(at_start, one); });
  for (int round = 0; round < most_rounds && !open.empty(); ++round) {
    // For each kind, how many `MayOpen` have ended before the suspects are looked at. If only as many have begun when a
    // suspect has been examined, none lived in the meantime, so the suspect is no unlisted descriptor.
    const std::array ended{os::unlisted_ended(os::Unlisted::files), os::unlisted_ended(os::Unlisted::sockets)};
    std::vector<Suspect> suspects;
    for (const os::OpenDescriptor& one : open) {
      const os::Ownership ownership = os::ownership_of(one.number);
      if (!is_leash_owner(ownership)) suspects.push_back({one, ownership});
    }
    erase_tagged(suspects, tagged());
    if (suspects.empty()) break;
    os::wait_for_openings(end);
    erase_tagged(suspects, tagged());
    open.clear();
    for (const Suspect& suspect : suspects) {
      const int number = suspect.open.number;
      Untracked one = examine(suspect);
      // Read after `examine`: what that found is about this descriptor only if it is still the same one.
      const std::optional<os::OpenDescriptor> now = os::open_descriptor(number);
      if (!now) continue;
      const bool same = now == suspect.open && os::ownership_of(number) == suspect.ownership;
      const os::Unlisted kind = unlisted_kind_of(one.text);
      if (same && os::unlisted_begun(kind) == ended[static_cast<std::size_t>(kind)]) {
        found.push_back(std::move(one));
      } else {
        open.push_back(*now);
      }
    }
  }
  std::ranges::sort(found, {}, &Untracked::number);
  return found;
}

/// Untracked descriptors with equal keys are one group: the origin, the places where it was opened and released, the
/// target, and an address if it is a socket. That is the peer's address if several of the descriptors have the same
/// peer (connections of one client to a server); else its own address (connections that a server accepted).
using GroupKey = std::tuple<Origin, std::uint32_t, std::uint32_t, std::string, std::string>;

GroupKey group_key_of(const Untracked& one, const std::map<std::string, int>& peers) {
  const auto peer = peers.find(one.text.peer);
  const bool shares_peer = peer != peers.end() && peer->second > 1;
  return {one.origin, one.release.opened.bits(), one.release.released.bits(), one.text.target,
          shares_peer ? "-> " + one.text.peer : one.text.local};
}

}  // namespace

std::vector<Group> untracked_groups(const os::DescriptorList& at_start, const std::function<std::vector<int>()>& tagged,
                                    Severity severity) {
  std::vector<Untracked> found = find_untracked(at_start, tagged);
  std::map<std::string, int> peers;
  for (const Untracked& one : found) {
    if (!one.text.peer.empty()) ++peers[one.text.peer];
  }
  std::vector<Group> groups;
  std::map<GroupKey, std::size_t> known;
  for (Untracked& one : found) {
    const auto [position, is_new] = known.try_emplace(group_key_of(one, peers), groups.size());
    if (is_new) {
      groups.push_back({.rule = Rule::untracked,
                        .severity = severity,
                        .kind = descriptor_kind,
                        .origin = one.origin,
                        .opened = event_at(one.release.opened),
                        .closed = event_at(one.release.released)});
    }
    Group& group = groups[position->second];
    if (++group.count > Group::max_instances) continue;
    group.instances.push_back({.name = std::move(one.text.text), .descriptor = one.number});
  }
  std::ranges::sort(groups, [](const Group& a, const Group& b) {
    if (a.count != b.count) return a.count > b.count;
    return a.instances.front().descriptor < b.instances.front().descriptor;
  });
  return groups;
}

}  // namespace LEASH_NAMESPACE::track::detail
