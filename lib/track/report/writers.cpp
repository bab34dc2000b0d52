#include <algorithm>
#include <array>
#include <charconv>
#include <leash/track/report/numbers.hpp>
#include <leash/track/report/writers.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

const Explained::Event* opening_of(const Explained::Group& group) noexcept {
  const auto found = std::ranges::find_if(
      group.events, [](const Explained::Event& event) { return event.verb.starts_with("opened"); });
  if (found != group.events.end()) return &*found;
  return group.events.empty() ? nullptr : &group.events.front();
}

std::string place_name(const Explained::Group& group) {
  if (!group.place) return group.kind.empty() ? "(unknown)" : group.kind;
  return group.place.line == 0 ? group.place.file : group.place.file + ':' + std::to_string(group.place.line);
}

std::string frame_name(const Explained::Frame& frame) {
  if (!frame.function.empty()) return frame.function;
  if (frame.module.empty()) return "(unloaded)";
  std::array<char, 16> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), frame.offset, 16).ptr;
  return frame.module.substr(frame.module.rfind('/') + 1) + "+0x" +
         std::string(static_cast<const char*>(digits.data()), end);
}

std::string left_out(std::uint64_t shown, const Explained& explained) {
  if (shown >= explained.total_groups) return {};
  return with_commas(explained.total_groups - shown) + " of " + with_commas(explained.total_groups) +
         " groups are not shown";
}

}  // namespace LEASH_NAMESPACE::track::detail
