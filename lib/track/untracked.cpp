#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <leash/track/detail/findings.hpp>
#include <leash/track/detail/own_descriptors.hpp>
#include <leash/track/detail/releases.hpp>
#include <leash/track/detail/untracked.hpp>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr Kind descriptor_kind{"descriptor", "descriptors"};

/// How often to look again at what leash, or someone else, was at work on.
constexpr int most_rounds = 10;

/// A descriptor that may be untracked, and whose it was when that was seen.
struct Suspect {
  OpenDescriptor open;
  Ownership ownership;
};

/// One that is.
struct Untracked {
  int number;
  Origin origin;
  Release release;
  DescriptorText text;
};

bool is_leash_at_work(Ownership ownership) noexcept {
  return ownership.owner() == Owner::leash || ownership.owner() == Owner::closing;
}

void leave_out(std::vector<Suspect>& suspects, const std::vector<int>& tagged) {
  std::erase_if(suspects,
                [&](const Suspect& suspect) { return std::ranges::binary_search(tagged, suspect.open.number); });
}

/// Among which unlisted ones a descriptor may be.
Unlisted kind_of(const DescriptorText& text) {
  if (text.target.starts_with("anon_inode:")) return Unlisted::event_loop;
  return text.target.starts_with("socket:") ? Unlisted::sockets : Unlisted::files;
}

Untracked examine(const Suspect& suspect) {
  const int number = suspect.open.number;
  Untracked found{number, Origin::past_leash, {}, describe_descriptor(number)};
  if (suspect.ownership.owner() == Owner::handle) {
    found.origin = Origin::without_tag;
  } else if (const std::optional<Release> release = release_of(number)) {
    found.origin = Origin::released;
    found.release = *release;
  }
  return found;
}

std::vector<Untracked> find_untracked(const DescriptorList& at_start, const std::function<std::vector<int>()>& tagged) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  std::vector<Untracked> found;
  DescriptorList open = open_descriptors();
  std::erase_if(open, [&](const OpenDescriptor& one) { return std::ranges::binary_search(at_start, one); });
  for (int round = 0; round < most_rounds && !open.empty(); ++round) {
    const std::array ended{unlisted_ended(Unlisted::event_loop), unlisted_ended(Unlisted::files),
                           unlisted_ended(Unlisted::sockets)};
    std::vector<Suspect> suspects;
    for (const OpenDescriptor& one : open) {
      const Ownership ownership = ownership_of(one.number);
      if (!is_leash_at_work(ownership)) suspects.push_back({one, ownership});
    }
    leave_out(suspects, tagged());
    if (suspects.empty()) break;
    wait_for_openings(end);
    leave_out(suspects, tagged());
    open.clear();
    for (const Suspect& suspect : suspects) {
      const std::optional<OpenDescriptor> now = open_descriptor(suspect.open.number);
      if (!now) continue;
      if (now != suspect.open || ownership_of(now->number) != suspect.ownership) {
        open.push_back(*now);
        continue;
      }
      Untracked one = examine(suspect);
      if (const Unlisted kind = kind_of(one.text); unlisted_begun(kind) != ended[static_cast<std::size_t>(kind)]) {
        open.push_back(*now);
        continue;
      }
      found.push_back(std::move(one));
    }
  }
  std::ranges::sort(found, {}, &Untracked::number);
  return found;
}

/// What is equal of those in one group. Of connections, the end that several have: the peer of a client's, the own
/// address of a server's.
using Key = std::tuple<Origin, std::uint32_t, std::uint32_t, std::string, std::string>;

Key key_of(const Untracked& one, const std::map<std::string, int>& peers) {
  const auto peer = peers.find(one.text.peer);
  const bool shares_peer = peer != peers.end() && peer->second > 1;
  return {one.origin, one.release.opened.bits(), one.release.released.bits(), one.text.target,
          shares_peer ? "-> " + one.text.peer : one.text.local};
}

}  // namespace

std::vector<Group> untracked_groups(const DescriptorList& at_start, const std::function<std::vector<int>()>& tagged,
                                    Severity severity) {
  std::vector<Untracked> found = find_untracked(at_start, tagged);
  std::map<std::string, int> peers;
  for (const Untracked& one : found) {
    if (!one.text.peer.empty()) ++peers[one.text.peer];
  }
  std::vector<Group> groups;
  std::map<Key, std::size_t> known;
  for (Untracked& one : found) {
    const auto [place, is_new] = known.try_emplace(key_of(one, peers), groups.size());
    if (is_new) {
      groups.push_back({.rule = Rule::untracked,
                        .severity = severity,
                        .kind = descriptor_kind,
                        .origin = one.origin,
                        .opened = event_at(one.release.opened),
                        .closed = event_at(one.release.released)});
    }
    Group& group = groups[place->second];
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
