#pragma once

#include <cstddef>
#include <leash/config.hpp>
#include <leash/fs/links.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

/// The limits of Linux, which apply to a MemoryFS too: bytes in a path (PATH_MAX without its NUL), bytes in a name, and
/// links that are followed for one path.
inline constexpr std::size_t max_path_size = 4095;
inline constexpr std::size_t max_name_size = 255;
inline constexpr int max_links = 40;

/// The elements of a path, taken one after the other by a walk. Where the walk meets a symbolic link, `expand` puts the
/// elements of its target in front of those that are still to come.
///
/// A path of the public interface is always a `valid_path`. The target of a link may contain anything: `.`, `..`,
/// several slashes in a row, and slashes at the end.
class Elements {
 public:
  explicit Elements(std::string_view path, Links links = Links::beneath) : rest_(path), links_(links) {}
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;

  /// Takes the next element; there must be one. The view is valid until `expand` or `restart`.
  std::string_view take();

  /// Whether the element that was taken last is the last one of the path.
  bool taken_is_last() const noexcept { return rest_.empty(); }

  /// Whether a slash follows the element that was taken last: then it must be a directory, even at the end of the path.
  bool taken_has_slash() const noexcept { return taken_has_slash_; }

  /// Whether the next element, if there is one, is `..`.
  bool next_goes_up() const noexcept { return rest_ == ".." || rest_.starts_with("../"); }

  /// Whether a `..` may be among the elements to come. Sometimes true though there is none: for a name like `a..b`.
  bool may_go_up() const noexcept { return may_go_up_; }

  /// Replaces the element that was taken last, which is a link, by the elements of its target. After an absolute target
  /// the caller goes on from the root. Errors: `escapes_root` for an absolute target with `Links::beneath`,
  /// `too_many_symbolic_link_levels` after more than `max_links` links.
  [[nodiscard]] std::error_code expand(std::string_view target);

  /// Puts the names in `walked` in front of the elements to come, for a walk that begins again at the root.
  void restart(const std::vector<std::string>& walked);

 private:
  void set_text(std::string text);

  std::string text_;       ///< What `rest_` points into after `expand` or `restart`; until then it is the caller's.
  std::string_view rest_;  ///< The elements to come.
  const Links links_;
  bool taken_has_slash_ = false;
  bool may_go_up_ = false;
  int followed_ = 0;  ///< How many links were expanded.
};

}  // namespace LEASH_NAMESPACE::fs::detail
