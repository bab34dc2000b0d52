// Ends with 0 if look-ups go on after those for which there was no memory, whichever allocation of the asking thread
// has failed. An own program, since it has an own operator new.
#include <netdb.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <leash/context.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <new>
#include <system_error>

using leash::net::detail::SystemResolver;

namespace {

/// How many allocations of this thread still work before one fails; below 0 all do.
thread_local int left = -1;

/// Asks, and returns whether the allocation of this number failed.
bool ask(SystemResolver& resolver, int failing) {
  bool failed = false;
  left = failing;
  try {
    const auto found = resolver.resolve(leash::Context(), "tcp", "name.test");
    failed = !found && found.error() == std::errc::not_enough_memory;
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  left = -1;
  return failed;
}

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = left >= 0 && left-- == 0 ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  SystemResolver resolver([](const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; });
  int failed = 0;
  for (int failing = 0; failing < 30; ++failing) {
    // More often than there may be threads.
    for (std::size_t i = 0; i < 2 * SystemResolver::max_threads; ++i) failed += ask(resolver, failing) ? 1 : 0;
  }
  const auto after = resolver.resolve(leash::Context(), "tcp", "name.test");
  std::printf("%d failed; then %s\n", failed, after ? "found" : to_string(after.error()).c_str());
  return failed > 0 && !after && after.error() == leash::net::errc::host_not_found ? 0 : 1;
}
