#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <source_location>

namespace LEASH_NAMESPACE::track {

namespace detail {
struct SiteEntry;
}

/// A place in the source: what `std::source_location` says, but with texts of its own, which are there also when the
/// library that the place lies in was unloaded. One pointer wide; equal places are stored once and compare equal.
class Site {
 public:
  /// No place: line 0 and empty texts.
  constexpr Site() noexcept = default;

  /// Thread-safe and lock-free. Where the 8 MiB for texts of places are used up, no place.
  Site(std::source_location location) noexcept;  // NOLINT(google-explicit-constructor): a Site is one

  const char* file_name() const noexcept;
  const char* function_name() const noexcept;
  std::uint32_t line() const noexcept;
  std::uint32_t column() const noexcept;

  explicit operator bool() const noexcept { return entry_ != nullptr; }
  friend bool operator==(const Site&, const Site&) noexcept = default;

 private:
  friend struct detail::SiteEntry;
  explicit constexpr Site(const detail::SiteEntry* entry) noexcept : entry_(entry) {}

  const detail::SiteEntry* entry_ = nullptr;
};

}  // namespace LEASH_NAMESPACE::track
