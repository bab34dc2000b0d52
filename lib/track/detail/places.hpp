#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/config.hpp>
#include <leash/track/detail/revision.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/site.hpp>
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

  /// Remembers that what was opened here was closed there.
  void note_closed(Place where) const noexcept;
  Site closed_at() const noexcept;

  friend bool operator==(Place, Place) noexcept = default;

 private:
  static constexpr std::uint32_t site_bit = std::uint32_t{1} << 31U;

  explicit constexpr Place(std::uint32_t bits) noexcept : bits_(bits) {}
  std::uint32_t site_number() const noexcept;
  bool is_stack() const noexcept { return bits_ != 0 && (bits_ & site_bit) == 0; }
  std::atomic<std::uint32_t>* closed() const noexcept;

  std::uint32_t bits_ = 0;
};

/// The kind that a thread asked for last.
struct KnownKind {
  Revision revision;
  Kind kind;
  std::uint16_t number;
};
extern constinit thread_local KnownKind kind_of_thread;

/// At most 512 KiB of kinds.
std::uint16_t remember_kind(const Kind& kind) noexcept;
inline std::uint16_t intern_kind(const Kind& kind) noexcept {
  const KnownKind& known = kind_of_thread;
  const std::uint64_t revision = known.revision.get();
  const std::uint16_t number = known.number;
  // The texts live as long as the program, says `Kind`.
  const auto same = [](std::string_view a, std::string_view b) { return a.data() == b.data() && a.size() == b.size(); };
  const bool found = number != 0 && same(known.kind.one, kind.one) && same(known.kind.many, kind.many);
  if (!found || Revision::is_changing(revision) || !known.revision.is_still(revision)) [[unlikely]]
    return remember_kind(kind);
  return number;
}
Kind kind_at(std::uint16_t number) noexcept;

/// The sites that a thread asked for last, each by the address of what the compiler stored of it: a word holds the
/// number, and above it what its place does not tell of the address. So a signal handler may read and change it.
inline constexpr unsigned site_number_bits = 20;
using KnownSites = std::array<std::atomic<std::uint64_t>, 32>;
extern constinit thread_local KnownSites sites_of_thread;

inline std::size_t place_of_site(std::uintptr_t address) noexcept { return address >> 3U & 31U; }
inline std::uint64_t tag_of_site(std::uintptr_t address) noexcept { return address >> 8U; }

/// At most 8 MiB of sites.
std::uint32_t remember_site(std::source_location location) noexcept;
inline std::uint32_t intern_site(std::source_location location) noexcept {
  static_assert(sizeof location == sizeof(std::uintptr_t), "a source_location points to what the compiler stored");
  const auto address = std::bit_cast<std::uintptr_t>(location);
  const std::uint64_t known = sites_of_thread[place_of_site(address)].load(std::memory_order_relaxed);
  // Also for none, which has the number 0.
  if (known >> site_number_bits == tag_of_site(address)) [[likely]]
    return known & ((std::uint32_t{1} << site_number_bits) - 1);
  return remember_site(location);
}
const SiteEntry* site_at(std::uint32_t number) noexcept;

/// At most 64 MiB of stacks: some 400,000 of 16 frames.
std::uint32_t intern_stack(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
