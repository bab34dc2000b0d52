#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <leash/net/conformance/thread_state.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::net::conformance {

int this_thread() noexcept { return static_cast<int>(::gettid()); }

ThreadState thread_state(int thread) noexcept {
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/task/%d/status", thread);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(file, buffer.data(), buffer.size());
  ::close(file);
  if (size <= 0) return {};
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  constexpr std::string_view label = "\nvoluntary_ctxt_switches:\t";
  const std::size_t found = text.find(label);
  if (found == std::string_view::npos) return {};
  ThreadState state{.known = true, .sleeps = text.find("\nState:\tS") != std::string_view::npos};
  std::from_chars(text.data() + found + label.size(), text.data() + text.size(), state.sleeps_so_far);
  return state;
}

}  // namespace LEASH_NAMESPACE::net::conformance
