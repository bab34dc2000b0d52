#include <cstdio>
#include <leash/detail/copy.hpp>
#include <leash/detail/escape.hpp>
#include <leash/detail/module_file.hpp>
#include <string>

namespace LEASH_NAMESPACE::detail {
namespace {

std::string version_text(std::uint32_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

std::string describe(const Copy& copy) {
  return "version " + version_text(copy.version) + " in " + escape(module_file(&copy), 4096);
}

}  // namespace

void report_copy(Copy& other) noexcept {
  const bool was_reported = other.reported.exchange(true);
  if (this_copy.reported.exchange(true) || was_reported) return;
  try {
    const std::string text =
        "leash: two copies of leash in one process, " + describe(other) + " and " + describe(this_copy) +
        ": a tracker of one does not see what is opened through the other (link both with leash as a "
        "shared library)\n";
    std::fputs(text.c_str(), stderr);
  } catch (...) {
    std::fputs(
        "leash: two copies of leash in one process: a tracker of one does not see what is opened through the other\n",
        stderr);
  }
}

}  // namespace LEASH_NAMESPACE::detail
