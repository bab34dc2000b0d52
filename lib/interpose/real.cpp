#include <dlfcn.h>

#include <leash/interpose/real.hpp>

namespace LEASH_NAMESPACE::interpose {
namespace {

// Where the section begins and ends, as the linker tells.
extern "C" {
[[gnu::visibility("hidden")]] extern const RealAddress __start_leash_reals[];  // NOLINT(bugprone-reserved-identifier)
[[gnu::visibility("hidden")]] extern const RealAddress __stop_leash_reals[];   // NOLINT(bugprone-reserved-identifier)
}

}  // namespace

void* RealAddress::find() const noexcept {
  void* const found = ::dlsym(RTLD_NEXT, name_);
  address_.store(found, std::memory_order_relaxed);
  return found;
}

void RealAddress::find_all() noexcept {
  for (const RealAddress* each = __start_leash_reals; each != __stop_leash_reals; ++each) each->find();
}

}  // namespace LEASH_NAMESPACE::interpose
