#include "programs.hpp"

#include <array>

#ifdef WITH_SQLITE
#include "sqlite_program.hpp"
#endif

namespace sweep_foreign {

std::span<const Program> programs() {
  static constexpr std::array all{
#ifdef WITH_SQLITE
      Program{"sqlite", run_sqlite, sqlite_options},
#endif
  };
  return all;
}

}  // namespace sweep_foreign
