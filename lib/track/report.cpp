#include <algorithm>
#include <leash/track/report.hpp>

namespace LEASH_NAMESPACE::track {

bool Report::ok() const noexcept {
  return std::ranges::none_of(groups, [](const Group& group) { return group.severity == Severity::failure; });
}

}  // namespace LEASH_NAMESPACE::track
