#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <leash/os/terminal.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::os {

std::optional<std::size_t> terminal_width(int descriptor) noexcept {
  const int before = errno;
  winsize size{};
  const bool told = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  errno = before;
  return told ? std::optional<std::size_t>(size.ws_col) : std::nullopt;
}

bool takes_color(int descriptor) noexcept {
  const int before = errno;
  const bool terminal = ::isatty(descriptor) == 1;
  errno = before;
  const char* const term = std::getenv("TERM");
  const char* const no_color = std::getenv("NO_COLOR");
  return terminal && term != nullptr && std::string_view(term) != "dumb" && (no_color == nullptr || *no_color == '\0');
}

}  // namespace LEASH_NAMESPACE::os
