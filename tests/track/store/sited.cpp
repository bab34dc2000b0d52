// A library with one place in a file that SITE_FILE names, which lies where it does whatever that is.
#include <source_location>

extern "C" void here(std::source_location& where);

// clang-format off
void here(std::source_location& where) {
#line 7 SITE_FILE
  where = std::source_location::current();
}
