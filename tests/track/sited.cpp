// A library with one place in a file that SITE_FILE names, which lies where it does whatever that is.
#include <source_location>

extern "C" std::source_location here();

// clang-format off
std::source_location here() {
#line 7 SITE_FILE
  return std::source_location::current();
}
