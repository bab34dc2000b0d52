#include <fmt/format.h>

#include <array>
#include <leash/track/report/numbers.hpp>

namespace LEASH_NAMESPACE::track::detail {

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return with_commas(count) + " " + std::string(count == 1 ? one : many);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return counted(bytes, "byte", "bytes");
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // What would be printed as 1024.0 is 1.0 of the next unit.
  for (; size >= 1023.95 && unit != 3; ++unit) size /= 1024;
  static constexpr std::array<std::string_view, 4> units = {"KiB", "MiB", "GiB", "TiB"};
  return fmt::format("{:.1f} {}", size, units[unit]);
}

std::string duration_text(Clock::duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds >= 7200) return fmt::format("{:.1f} h", seconds / 3600);
  if (seconds >= 120) return fmt::format("{:.1f} min", seconds / 60);
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.0f} ms", seconds * 1000);
}

}  // namespace LEASH_NAMESPACE::track::detail
