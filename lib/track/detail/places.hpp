#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/site.hpp>
#include <source_location>
#include <span>

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

/// At most 512 KiB of kinds.
std::uint16_t intern_kind(const Kind& kind) noexcept;
Kind kind_at(std::uint16_t number) noexcept;

/// At most 8 MiB of sites.
std::uint32_t intern_site(const std::source_location& location) noexcept;
const SiteEntry* site_at(std::uint32_t number) noexcept;

/// At most 64 MiB of stacks: some 400,000 of 16 frames.
std::uint32_t intern_stack(std::uint32_t site, std::span<const std::uintptr_t> addresses) noexcept;

}  // namespace LEASH_NAMESPACE::track::detail
