#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/site.hpp>
#include <leash/track/store/intern_table.hpp>
#include <leash/track/store/this_thread.hpp>
#include <source_location>
#include <span>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// The process's depot: kinds, places in the source and stacks, each stored once, so that a record holds numbers. All
/// functions are thread-safe and lock-free. A number is valid for as long as the program runs, and 0 is none.

/// A place in the source, with the texts behind it.
struct SiteEntry {
  std::uint32_t line;
  std::uint32_t column;
  std::uint32_t file_size;
  std::uint32_t function_size;
  std::atomic<std::uint32_t> closed_at;  ///< Where one that was opened here, with no stack known, was closed last.

  const char* file() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  const char* function() const noexcept { return file() + file_size + 1; }
  Site site() const noexcept { return Site(this); }
};

/// A stack together with the place that the innermost call of the user's names.
struct StackEntry {
  std::uint32_t site;
  std::uint32_t size;
  std::atomic<std::uint32_t> closed_at;  ///< Where one that was opened with this stack was closed last.
  std::uint32_t reserved;

  std::span<const std::uintptr_t> addresses() const noexcept {
    return {reinterpret_cast<const std::uintptr_t*>(this + 1), size};
  }
};

extern constinit InternTable sites;
extern constinit InternTable stacks;

/// Where something happened: a stack, or where none is known only a site. Needs one word.
class Place {
 public:
  constexpr Place() noexcept = default;
  static constexpr Place of_stack(std::uint32_t stack) noexcept { return Place(stack); }
  static constexpr Place of_site(std::uint32_t site) noexcept { return Place(site == 0 ? 0 : site | site_bit); }
  static constexpr Place from_bits(std::uint32_t bits) noexcept { return Place(bits); }

  constexpr std::uint32_t bits() const noexcept { return bits_; }
  Site site() const noexcept;
  std::span<const std::uintptr_t> addresses() const noexcept;

  /// Remembers where what was opened there was closed.
  static void note_closed(Place opened, Place closed) noexcept {
    const std::uint32_t site = closed.site_number();
    std::atomic<std::uint32_t>* const last = opened.closed();
    // Read first: a place that many threads close at stays shared between their caches.
    if (last != nullptr && last->load(std::memory_order_relaxed) != site) last->store(site, std::memory_order_relaxed);
  }
  Site closed_at() const noexcept;

  friend bool operator==(Place, Place) noexcept = default;

 private:
  static constexpr std::uint32_t site_bit = std::uint32_t{1} << 31U;

  explicit constexpr Place(std::uint32_t bits) noexcept : bits_(bits) {}
  std::uint32_t site_number() const noexcept {
    return is_stack() ? static_cast<const StackEntry*>(stacks.at(bits_))->site : bits_ & ~site_bit;
  }
  bool is_stack() const noexcept { return bits_ != 0 && (bits_ & site_bit) == 0; }
  std::atomic<std::uint32_t>* closed() const noexcept {
    if (bits_ == 0) return nullptr;
    if (is_stack()) return &static_cast<StackEntry*>(stacks.at(bits_))->closed_at;
    return &static_cast<SiteEntry*>(sites.at(bits_ & ~site_bit))->closed_at;
  }

  std::uint32_t bits_ = 0;
};

/// At most 512 KiB of kinds.
std::uint16_t remember_kind(const Kind& kind) noexcept;
inline std::uint16_t intern_kind(const Kind& kind, const ThisThread& thread = this_thread()) noexcept {
  const KnownKind& known = thread.kind;
  const std::uint64_t revision = known.revision.get();
  const std::uint16_t number = known.number;
  // The texts live as long as the program, says `Kind`.
  const auto same = [](std::string_view a, std::string_view b) { return a.data() == b.data() && a.size() == b.size(); };
  const bool found = number != 0 && same(known.kind.one, kind.one) && same(known.kind.many, kind.many);
  if (!found || os::Revision::is_changing(revision) || !known.revision.is_still(revision)) [[unlikely]]
    return remember_kind(kind);
  return number;
}
Kind kind_at(std::uint16_t number) noexcept;

/// Of a word in KnownSites.
inline constexpr unsigned site_number_bits = 20;
inline std::size_t place_of_site(std::uintptr_t address) noexcept { return address >> 3U & 31U; }
inline std::uint64_t tag_of_site(std::uintptr_t address) noexcept { return address >> 8U; }

/// The number of a site that the thread asked for lately, else `unknown_site`.
inline constexpr std::uint32_t unknown_site = ~std::uint32_t{0};
inline std::uint32_t known_site(std::source_location location, const ThisThread& thread) noexcept {
  static_assert(sizeof location == sizeof(std::uintptr_t), "a source_location points to what the compiler stored");
  const auto address = std::bit_cast<std::uintptr_t>(location);
  const std::uint64_t known = thread.sites[place_of_site(address)].load(std::memory_order_relaxed);
  // Also for none, which has the number 0.
  if (known >> site_number_bits == tag_of_site(address)) [[likely]]
    return known & ((std::uint32_t{1} << site_number_bits) - 1);
  return unknown_site;
}

/// At most 8 MiB of sites.
std::uint32_t remember_site(std::source_location location) noexcept;
inline std::uint32_t intern_site(std::source_location location, const ThisThread& thread = this_thread()) noexcept {
  const std::uint32_t known = known_site(location, thread);
  return known != unknown_site ? known : remember_site(location);
}
const SiteEntry* site_at(std::uint32_t number) noexcept;

/// At most 64 MiB of stacks: some 400,000 of 16 frames.
std::uint32_t intern_stack(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
