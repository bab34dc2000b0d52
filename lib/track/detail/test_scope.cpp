#include <atomic>
#include <cstdio>
#include <exception>
#include <leash/track/detail/test_scope.hpp>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {

TestScope::TestScope(Options options) : tracked_(with_tracker(Context::background(), std::move(options))) {
  if constexpr (!tracking_enabled) {
    static constinit std::atomic<bool> said{false};
    if (!said.exchange(true)) {
      std::fputs("leash: built with LEASH_TRACKING=OFF: no test was checked for open handles\n", stderr);
    }
  }
}

std::optional<std::string> TestScope::end() noexcept {
  try {
    const Report report = tracked_.tracker.close();
    if (report.ok()) return std::nullopt;
    return to_string(report);
  } catch (const std::exception& error) {
    return std::string("leash: no report: ") + error.what();
  }
}

}  // namespace LEASH_NAMESPACE::track::detail
