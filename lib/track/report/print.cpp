#include <unistd.h>

#include <leash/os/terminal.hpp>
#include <leash/track/report/text.hpp>
#include <ostream>

namespace LEASH_NAMESPACE::track {

TextOptions TextOptions::of_descriptor(int number) noexcept {
  return {.width = os::terminal_width(number).value_or(80), .color = os::takes_color(number)};
}

void print(const Report& report, std::FILE* out) {
  const std::string lines = text(explain(report), TextOptions::of_descriptor(::fileno(out))) + "\n";
  std::fwrite(lines.data(), 1, lines.size(), out);
}

std::string to_string(const Report& report) {
  return text(explain(report), {.width = os::terminal_width(STDERR_FILENO).value_or(80)});
}

std::ostream& operator<<(std::ostream& out, const Report& report) { return out << to_string(report); }

}  // namespace LEASH_NAMESPACE::track
