#pragma once

#include <leash/config.hpp>
#include <leash/track/tag.hpp>
#include <source_location>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// Whether the site lies in a header of Asio.
inline bool is_in_asio(std::source_location site) noexcept {
  // A program has few files that use a connection, and each has one name.
  thread_local const char* known_asio = nullptr;
  thread_local const char* known_other = nullptr;
  const char* const file = site.file_name();
  if (file == known_other) return false;
  if (file == known_asio) return true;
  const bool in_asio = std::string_view(file).contains("/asio/");
  (in_asio ? known_asio : known_other) = file;
  return in_asio;
}

/// The resource of `tag` is used at `site`: by the user, or by `asio::async_read` and the like for the user, whose line
/// is on the stack then.
inline void touch(track::Tag& tag, std::source_location site) noexcept {
  if constexpr (!tracking_enabled) return;
  if (is_in_asio(site)) {
    tag.touch_with_stack(site);
  } else {
    tag.touch(site);
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
