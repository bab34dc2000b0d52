#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace leash_test {

/// The text of a report, but its groups begin with `file:line: `, whatever the compiler calls the column of a call.
inline std::string without_columns(std::string text) {
  for (const std::string_view severity : {": error: ", ": note: "}) {
    for (std::size_t at = 0; (at = text.find(severity, at)) != std::string::npos; ++at) {
      const std::size_t line = text.rfind('\n', at) + 1;
      const std::size_t colon = text.rfind(':', at - 1);
      const std::size_t before =
          colon == 0 || colon == std::string::npos ? std::string::npos : text.rfind(':', colon - 1);
      if (before == std::string::npos || before < line) continue;
      text.erase(colon, at - colon);
      at = colon;
    }
  }
  return text;
}

}  // namespace leash_test
