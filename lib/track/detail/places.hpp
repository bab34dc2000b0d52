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

/// What a thread asked for last.
struct KnownKind {
  Kind kind;
  std::uint16_t number;
};

struct KnownSite {
  /// What a `std::source_location` points to: two texts, line and column.
  struct Stored {
    const char* file;
    const char* function;
    std::uint64_t line_and_column;
  };
  const void* location;
  Stored stored;
  std::uint32_t number;
};

inline constexpr std::size_t known_sites = 32;
extern constinit thread_local std::array<KnownSite, known_sites> sites_of_thread;
extern constinit thread_local std::uint32_t changes_of_sites;
extern constinit thread_local KnownKind kind_of_thread;

/// Where a thread keeps what is known of the `std::source_location` that points to `address`.
inline KnownSite& known_site(const void* address) noexcept {
  return sites_of_thread[reinterpret_cast<std::uintptr_t>(address) / 8 % known_sites];
}

/// At most 512 KiB of kinds.
std::uint16_t remember_kind(const Kind& kind) noexcept;
inline std::uint16_t intern_kind(const Kind& kind) noexcept {
  const KnownKind& known = kind_of_thread;
  // The texts live as long as the program, says `Kind`.
  const auto same = [](std::string_view a, std::string_view b) { return a.data() == b.data() && a.size() == b.size(); };
  if (known.number == 0 || !same(known.kind.one, kind.one) || !same(known.kind.many, kind.many)) [[unlikely]] {
    return remember_kind(kind);
  }
  return known.number;
}
Kind kind_at(std::uint16_t number) noexcept;

/// At most 8 MiB of sites.
std::uint32_t remember_site(std::source_location location) noexcept;
inline std::uint32_t intern_site(std::source_location location) noexcept {
  static_assert(sizeof location == sizeof(const void*), "a source_location is a pointer to what the compiler stored");
  const auto* const address = std::bit_cast<const void*>(location);
  if (address == nullptr) [[unlikely]]
    return 0;
  const KnownSite& known = known_site(address);
  // A signal handler may put another one there.
  const std::uint32_t changes = changes_of_sites;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // Compared too: another library may have come to where one was unloaded.
  if (known.location != address || std::memcmp(&known.stored, address, sizeof known.stored) != 0) [[unlikely]] {
    return remember_site(location);
  }
  const std::uint32_t number = known.number;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (changes_of_sites != changes) [[unlikely]]
    return remember_site(location);
  return number;
}
const SiteEntry* site_at(std::uint32_t number) noexcept;

/// At most 64 MiB of stacks: some 400,000 of 16 frames.
std::uint32_t intern_stack(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
