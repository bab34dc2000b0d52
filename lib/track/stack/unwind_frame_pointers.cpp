#include <algorithm>
#include <array>
#include <leash/os/revision.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/stack/stack_bounds.hpp>
#include <leash/track/stack/unwind.hpp>
#include <span>

namespace LEASH_NAMESPACE::track::detail {
namespace {

constexpr std::uintptr_t link_size = 2 * sizeof(std::uintptr_t);

// What lies where a frame pointer leads to: that of the caller, and the return address.
struct Link {
  std::uintptr_t bp;
  std::uintptr_t pc;

  [[nodiscard]] LEASH_READS_RAW_STACK bool leads_to(Link next) const noexcept {
    return word_at(bp) == next.bp && word_at(bp + sizeof(std::uintptr_t)) == next.pc;
  }
};

// Calls `passed(link)` for each that is read.
template <class Passed>
LEASH_READS_RAW_STACK inline std::size_t walk_links(Registers from, Output out, Passed passed) noexcept {
  std::uintptr_t end = readable_end(from.sp);
  std::uintptr_t low = from.sp;
  Link link{.bp = from.bp, .pc = from.pc};
  for (std::size_t count = 0; link.pc != 0;) {
    if (out.skip > 0) {
      --out.skip;
    } else {
      out.addresses[count++] = link.pc - 1;
      if (count == out.depth) return count;
    }
    // The frame pointer may be anything. It must lead up the stack, so that this ends.
    const std::uintptr_t bp = link.bp;
    if (bp % sizeof(std::uintptr_t) != 0 || bp < low || bp > UINTPTR_MAX - link_size) return count;
    if (bp + link_size > end && (bp - low > page_size * 256 || !extend_readable(end, bp + link_size))) return count;
    low = bp + link_size;
    link = {.bp = word_at(bp), .pc = word_at(bp + sizeof(std::uintptr_t))};
    passed(link);
    if (link.pc == 0) return count;
  }
  return 0;
}

constexpr std::size_t most_links = 42;

// The last stack that was numbered for a purpose, if it was the thread's own. Each step of a walk depends on the one
// before, but the processor can see for many links at once that they are as they were. What is found never depends on
// what is remembered.
struct LastChain {
  os::Revision revision;
  std::uintptr_t sp;                   // Where the walk began.
  std::array<Link, most_links> links;  // Each leads to the next; the first is what the registers held.
  std::size_t count;
  Wanted wanted;
  std::uint32_t site;
  std::uint32_t id;  // 0 if there is none yet.

  // With the same stack pointer the same links lie within the stack; but a signal handler may change them meanwhile.
  [[nodiscard]] LEASH_READS_RAW_STACK bool is_as_it_was(Registers from, std::uintptr_t end) const noexcept {
    if (sp != from.sp || links[0].pc != from.pc || links[0].bp != from.bp) return false;
    const std::uintptr_t most = end - from.sp - link_size;
    const Link* link = links.data();
    for (const Link* const last = link + std::min(count, links.size()) - 1; link != last; ++link) {
      const Link here = *link;
      if (here.bp - from.sp > most || !here.leads_to(link[1])) return false;
    }
    return true;
  }
};

constinit thread_local std::array<LastChain, purposes> last_chains{};

}  // namespace

std::size_t walk_frame_pointers(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, std::uintptr_t* addresses,
                                std::size_t depth, std::size_t skip) noexcept {
  return walk_links({.pc = pc, .sp = sp, .bp = bp}, {.addresses = addresses, .depth = depth, .skip = skip},
                    [](Link) {});
}

std::uint32_t number_by_frame_pointers(std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t bp, Wanted wanted,
                                       std::uint32_t site, InternStack intern) noexcept {
  std::array<std::uintptr_t, max_depth> addresses;  // NOLINT(*-member-init): for speed
  const Registers from{.pc = pc, .sp = sp, .bp = bp};
  const Output out{.addresses = addresses.data(), .depth = wanted.depth, .skip = wanted.skip};
  LastChain& last = last_chains[static_cast<std::size_t>(wanted.purpose)];
  const std::uintptr_t end = own_stack.top;
  if (from.sp < own_stack.low || from.sp >= end) [[unlikely]]
    return intern(site, std::span(addresses.data(), walk_links(from, out, [](Link) {})));
  const std::uint64_t revision = last.revision.get();
  const std::uint32_t known = last.id;
  if (known != 0 && !os::Revision::is_changing(revision) && last.site == site && last.wanted == wanted &&
      last.is_as_it_was(from, end) && last.revision.is_still(revision)) [[likely]] {
    return known;
  }
  std::array<Link, most_links> links;  // NOLINT(*-member-init): for speed
  links[0] = {.bp = from.bp, .pc = from.pc};
  std::size_t passed = 1;
  const std::size_t count = walk_links(from, out, [&](Link link) {
    if (passed < links.size()) links[passed] = link;
    ++passed;
  });
  const std::uint32_t id = intern(site, std::span(addresses.data(), count));
  if (id == 0 || passed > links.size() || !last.revision.begin_change(revision)) return id;
  last.sp = from.sp;
  std::copy_n(links.begin(), passed, last.links.begin());
  last.count = passed;
  last.wanted = wanted;
  last.site = site;
  last.id = id;
  last.revision.end_change();
  return id;
}

}  // namespace LEASH_NAMESPACE::track::detail
