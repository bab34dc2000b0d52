#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <exception>
#include <leash/os/background_thread.hpp>
#include <leash/os/unshared_descriptors.hpp>
#include <system_error>

namespace LEASH_NAMESPACE::os {
namespace {

// CLOSE_RANGE_UNSHARE of <linux/close_range.h>, which older systems do not have.
constexpr unsigned close_range_unshare = 1U << 1U;

/// Gives the calling thread an empty descriptor table of its own. The one system call both unshares the table and
/// closes its descriptors: a copied table, even for a moment, could keep a connection open that another thread closes.
bool unshare_descriptors() noexcept {
#ifdef SYS_close_range
  return ::syscall(SYS_close_range, 0U, UINT_MAX, close_range_unshare) == 0;
#else
  return false;
#endif
}

}  // namespace

bool run_with_unshared_descriptors(const std::function<void()>& work) {
  bool ran = false;
  std::exception_ptr thrown;
  try {
    start_thread([&] {
      if (!unshare_descriptors()) return;
      ran = true;
      try {
        work();
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
  } catch (const std::system_error&) {
    return false;
  }
  if (thrown) std::rethrow_exception(thrown);
  return ran;
}

}  // namespace LEASH_NAMESPACE::os
