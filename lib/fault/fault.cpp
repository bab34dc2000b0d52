#include <array>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/fault.hpp>

namespace LEASH_NAMESPACE::fault {

std::string_view to_string(Effect effect) noexcept {
  static constexpr std::array<std::string_view, 8> names = {"fail", "fail after", "short", "delay",
                                                            "full", "end",        "reset", "crash"};
  return names[static_cast<std::size_t>(effect)];
}

std::string to_string(const Fault& fault) {
  switch (fault.effect) {
    case Effect::fail:
      return "fails with " + detail::errno_name(fault.code);
    case Effect::fail_after:
      return "takes effect and fails with " + detail::errno_name(fault.code);
    case Effect::shorten:
      return "is cut to " + std::to_string(fault.bytes) + (fault.bytes == 1 ? " byte" : " bytes");
    case Effect::delay:
      return "is delayed by " + detail::duration_text(fault.delay);
    case Effect::full:
      return "finds the disk full after " + std::to_string(fault.bytes) + (fault.bytes == 1 ? " byte" : " bytes");
    case Effect::end:
      return "finds the end";
    case Effect::reset:
      return "finds the connection reset";
    case Effect::crash:
      return "is where the machine stops";
  }
  return {};
}

}  // namespace LEASH_NAMESPACE::fault
