#pragma once

#include <concepts>
#include <cstddef>
#include <leash/config.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

/// How a function takes a path: from a literal, a `std::string`, a `std::string_view` or what else converts to that,
/// and from a `std::filesystem::path`, whose text is taken as it is. Not to be stored: a view, which is valid during
/// the call. Needs no `<filesystem>`, and is passed in registers, as a `std::string_view` is.
class PathArg {
 public:
  // NOLINTBEGIN(google-explicit-constructor): the conversions are the point
  constexpr PathArg(const char* text) noexcept : text_(text) {}
  PathArg(std::nullptr_t) = delete;

  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  constexpr PathArg(const Text& text LEASH_LIFETIMEBOUND) : text_(text) {}

  /// A `std::filesystem::path` of an operating system whose paths are bytes.
  template <class Path>
    requires(!std::convertible_to<const Path&, std::string_view>) && requires(const Path& path) {
      { path.native() } -> std::convertible_to<std::string_view>;
    }
  constexpr PathArg(const Path& path LEASH_LIFETIMEBOUND) : text_(path.native()) {}

  constexpr operator std::string_view() const noexcept { return text_; }
  // NOLINTEND(google-explicit-constructor)

 private:
  std::string_view text_;
};

}  // namespace LEASH_NAMESPACE::fs
