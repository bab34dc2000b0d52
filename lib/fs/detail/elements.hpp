#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/links.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The limits of Linux, which MemoryFS shares.
inline constexpr std::size_t max_path_size = 4095;
inline constexpr std::size_t max_name_size = 255;
inline constexpr int max_links = 40;

/// The elements of a path that are still to be walked, links put in place as they are met.
///
/// Unlike the paths of the public interface, the targets of links may hold anything: `.`, `..`, doubled slashes, and
/// one at the end.
class Elements {
 public:
  explicit Elements(std::string_view path, Links links = Links::beneath) : rest_(path), links_(links) {}
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;

  /// Takes the next element; there must be one. The view is valid until `expand`.
  std::string_view take();

  /// Whether the element that was taken is the last one.
  bool last() const noexcept { return rest_.empty(); }

  /// Whether a slash follows the element that was taken: then it must be a directory, even as the last one.
  bool slash() const noexcept { return slash_; }

  /// Whether the next element, if there is one, is `..`.
  bool up_next() const noexcept { return rest_ == ".." || rest_.starts_with("../"); }

  /// Whether `..` may still come.
  bool may_go_up() const noexcept { return may_go_up_; }

  /// Puts the target of a link in place of the element that was taken. An absolute one is `escapes_root`, unless it
  /// may stay in the root: then its elements are to be walked from there. Returns that,
  /// `too_many_symbolic_link_levels` for one too many, or no error.
  [[nodiscard]] std::error_code expand(std::string_view target);

  /// Starts anew: with the names in `walked`, and then what was still to come.
  void restart(const std::vector<std::string>& walked);

 private:
  void set_text(std::string text);

  std::string text_;
  std::string_view rest_;
  const Links links_;
  bool slash_ = false;
  bool may_go_up_ = false;
  int followed_ = 0;
};

}  // namespace LEASH_NAMESPACE::fs::detail
