#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <source_location>

namespace LEASH_NAMESPACE::track {

namespace detail {
struct SiteEntry;
}

/// A position in the source: file, line, column and function, as a `std::source_location` has them, but with copies of
/// the texts, so that it stays valid when the library that the code lies in is unloaded. One pointer wide: equal sites
/// are stored once, for as long as the process lives, and compare equal. All members are thread-safe.
class Site {
 public:
  /// No site: line and column 0, empty texts.
  constexpr Site() noexcept = default;

  /// Lock-free. No site if `location` has line 0, or if the 8 MiB that the process has for sites are used up.
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
