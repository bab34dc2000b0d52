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

/// The depot of the process: kinds, sites and stacks, each stored once, so that a record holds only their numbers. All
/// functions are thread-safe and lock-free. A number stays valid for as long as the program runs; 0 means none.

/// A site as the depot stores it. The texts, each with a zero at its end, lie behind it.
struct SiteEntry {
  std::uint32_t line;
  std::uint32_t column;
  std::uint32_t file_size;
  std::uint32_t function_size;
  /// The number of the site where a resource that was opened here, without a stack, was closed last.
  std::atomic<std::uint32_t> last_closed_at;

  const char* file() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  const char* function() const noexcept { return file() + file_size + 1; }
  Site site() const noexcept { return Site(this); }
};

/// A stack as the depot stores it, with the site that the user's call passed to leash. The addresses lie behind it.
struct StackEntry {
  std::uint32_t site;  ///< Its number.
  std::uint32_t size;  ///< How many addresses there are.
  /// The number of the site where a resource that was opened with this stack was closed last.
  std::atomic<std::uint32_t> last_closed_at;
  std::uint32_t reserved;

  std::span<const std::uintptr_t> addresses() const noexcept {
    return {reinterpret_cast<const std::uintptr_t*>(this + 1), size};
  }
};

extern constinit InternTable sites;
extern constinit InternTable stacks;

/// Where something happened: a stack with its site, or, if no stack was captured, a site alone. 32 bits.
class Place {
 public:
  constexpr Place() noexcept = default;
  static constexpr Place of_stack(std::uint32_t stack) noexcept { return Place(stack); }
  static constexpr Place of_site(std::uint32_t site) noexcept { return Place(site == 0 ? 0 : site | site_bit); }
  static constexpr Place from_bits(std::uint32_t bits) noexcept { return Place(bits); }

  constexpr std::uint32_t bits() const noexcept { return bits_; }
  Site site() const noexcept;
  std::span<const std::uintptr_t> addresses() const noexcept;

  /// Stores, with the place `opened`, that a resource opened there was closed at `closed`.
  static void note_closed(Place opened, Place closed) noexcept {
    const std::uint32_t site = closed.site_number();
    std::atomic<std::uint32_t>* const last = opened.last_close();
    // Written only if it changes: as long as many threads close at the same site, their processors share the cache
    // line. A close at no known site says nothing.
    if (last != nullptr && last->load(std::memory_order_relaxed) != site && site != 0) {
      last->store(site, std::memory_order_relaxed);
    }
  }
  /// The site where a resource that was opened at this place was closed last.
  Site closed_at() const noexcept;

  friend bool operator==(Place, Place) noexcept = default;

 private:
  static constexpr std::uint32_t site_bit = std::uint32_t{1} << 31U;

  explicit constexpr Place(std::uint32_t bits) noexcept : bits_(bits) {}
  std::uint32_t site_number() const noexcept {
    return is_stack() ? static_cast<const StackEntry*>(stacks.at(bits_))->site : bits_ & ~site_bit;
  }
  bool is_stack() const noexcept { return bits_ != 0 && (bits_ & site_bit) == 0; }
  std::atomic<std::uint32_t>* last_close() const noexcept {
    if (bits_ == 0) return nullptr;
    if (is_stack()) return &static_cast<StackEntry*>(stacks.at(bits_))->last_closed_at;
    return &static_cast<SiteEntry*>(sites.at(bits_ & ~site_bit))->last_closed_at;
  }

  std::uint32_t bits_ = 0;
};

/// The first kinds that the process comes to are counted each for itself, the others together. The low bits of a kind's
/// number say where.
inline constexpr unsigned kind_slot_bits = 5;
inline constexpr unsigned kind_slots = 1U << kind_slot_bits;
/// Slot 0 is of kinds without a number, the last one of all kinds that came too late for a slot of their own.
inline constexpr unsigned shared_kind_slot = kind_slots - 1;
constexpr unsigned kind_slot_of(std::uint64_t kind_number) noexcept { return kind_number & (kind_slots - 1); }
/// How many slots are in use by now: the first ones, and perhaps the shared one.
unsigned kind_slots_in_use() noexcept;

/// The part of `intern_kind` for a kind that is not in the thread's cache: searches the depot, and caches what it
/// finds.
std::uint16_t intern_uncached_kind(const Kind& kind) noexcept;
/// The number of a kind, stored if it is new; 0 if there is no room (512 KiB for all kinds, of which there are 2,000 at
/// most).
inline std::uint16_t intern_kind(const Kind& kind, const ThisThread& thread = this_thread()) noexcept {
  const KindCache& known = thread.kind_cache;
  const std::uint64_t revision = known.revision.get();
  const std::uint16_t number = known.number;
  // Comparing addresses is enough: the texts of a Kind live as long as the program.
  const auto same = [](std::string_view a, std::string_view b) { return a.data() == b.data() && a.size() == b.size(); };
  const bool found = number != 0 && same(known.kind.one, kind.one) && same(known.kind.many, kind.many);
  if (!found || os::Revision::is_changing(revision) || !known.revision.is_still(revision)) [[unlikely]]
    return intern_uncached_kind(kind);
  return number;
}
/// The kind with this number; for 0 a general one, "resource".
Kind kind_at(std::uint16_t number) noexcept;

/// A word in SiteCache: the low `site_number_bits` are the number, above them is the key. Slot and key together are all
/// bits of the address but the low three, which are 0.
inline constexpr unsigned site_number_bits = 20;
inline std::size_t site_cache_slot(std::uintptr_t address) noexcept { return address >> 3U & 31U; }
inline std::uint64_t site_cache_key(std::uintptr_t address) noexcept { return address >> 8U; }

inline constexpr std::uint32_t site_not_cached = ~std::uint32_t{0};
/// The number of a site from the cache of the thread; `site_not_cached` if it is not in there. Async-signal-safe.
inline std::uint32_t cached_site(std::source_location location, const ThisThread& thread) noexcept {
  static_assert(sizeof location == sizeof(std::uintptr_t), "a source_location points to what the compiler stored");
  const auto address = std::bit_cast<std::uintptr_t>(location);
  const std::uint64_t known = thread.site_cache[site_cache_slot(address)].load(std::memory_order_relaxed);
  // A `source_location` that says nothing has the address 0, and so the key and the number of an empty slot, 0.
  if (known >> site_number_bits == site_cache_key(address)) [[likely]]
    return known & ((std::uint32_t{1} << site_number_bits) - 1);
  return site_not_cached;
}

/// The part of `intern_site` for a site that is not in the thread's cache: searches the depot, and caches what it
/// finds.
std::uint32_t intern_uncached_site(std::source_location location) noexcept;
/// The number of a site, stored if it is new; 0 if it says nothing, or if there is no room (8 MiB for all sites).
inline std::uint32_t intern_site(std::source_location location, const ThisThread& thread = this_thread()) noexcept {
  const std::uint32_t known = cached_site(location, thread);
  return known != site_not_cached ? known : intern_uncached_site(location);
}
/// The site with this number; null for 0.
const SiteEntry* site_at(std::uint32_t number) noexcept;

/// The number of a stack with its site, stored if it is new; 0 if there is no room (64 MiB for all stacks, which is
/// some 400,000 of 16 frames).
std::uint32_t intern_stack(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
