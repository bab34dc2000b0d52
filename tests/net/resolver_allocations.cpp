// Ends with 0 if look-ups go on after those for which there was no memory, whichever allocation of the asking thread
// has failed, and an asynchronous one ends once, or throws and has not begun. An own program, since it has an own
// operator new.
#include <netdb.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <leash/context.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using leash::Context;
using leash::Result;
using leash::net::IpAddress;
using leash::net::Resolver;
using leash::net::detail::SystemResolver;

namespace {

/// How many allocations of this thread still work before one fails; below 0 all do.
thread_local int left = -1;

/// Asks, and returns whether the allocation of this number failed.
bool ask(Resolver& resolver, int failing) {
  bool failed = false;
  left = failing;
  try {
    const auto found = resolver.resolve(Context(), "tcp", "name.test");
    failed = !found && found.error() == std::errc::not_enough_memory;
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  left = -1;
  return failed;
}

/// The same with `async_resolve`. Ends the program if `done` is called twice, or though the call threw.
bool ask_asynchronously(Resolver& resolver, int failing) {
  const leash::Cancellable cancellable = Context().with_cancel();
  const auto calls = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> failed = false;
  const leash::Function<void(Result<std::vector<IpAddress>>)> done = [&failed, calls](const auto& found) {
    failed = !found && found.error() == std::errc::not_enough_memory;
    ++*calls;
    calls->notify_one();
  };
  bool threw = false;
  left = failing;
  try {
    resolver.async_resolve(cancellable.context, "tcp", "name.test", done);
  } catch (const std::bad_alloc&) {
    threw = true;
  }
  left = -1;
  if (!threw) calls->wait(0);
  cancellable.source.cancel();
  if (*calls == (threw ? 0 : 1)) return threw || failed;
  std::printf("allocation %d: done was called %d times, and the call %s\n", failing, calls->load(),
              threw ? "threw" : "returned");
  std::_Exit(1);
}

/// A resolver that can only wait.
class Blocking final : public Resolver {
  Result<std::vector<std::string>> do_resolve(leash::Call, std::string_view, std::string_view host) override {
    return leash::fail("resolve", host, make_error_code(leash::net::errc::host_not_found));
  }
};

/// Whether look-ups fail where there is no memory, and go on.
bool go_on(Resolver& resolver, bool (*ask_it)(Resolver&, int)) {
  int failed = 0;
  for (int failing = 0; failing < 60; ++failing) {
    // More often than there may be threads.
    for (std::size_t i = 0; i < 2 * SystemResolver::max_threads; ++i) failed += ask_it(resolver, failing) ? 1 : 0;
  }
  const auto after = resolver.resolve(Context(), "tcp", "name.test");
  std::printf("%d failed; then %s\n", failed, after ? "found" : to_string(after.error()).c_str());
  return failed > 0 && !after && after.error() == leash::net::errc::host_not_found;
}

}  // namespace

// Where GCC 12 inlines one of them but not the other, it warns that they do not match.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = left >= 0 && left-- == 0 ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  const auto system = std::make_shared<SystemResolver>(
      [](const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; });
  const auto user = std::make_shared<Blocking>();
  return go_on(*system, ask) && go_on(*system, ask_asynchronously) && go_on(*user, ask_asynchronously) ? 0 : 1;
}
