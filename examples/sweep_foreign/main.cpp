// sweep_foreign: what happens to other libraries when their files and connections fail.
//
//   sweep_foreign           sweeps each, and prints what was found
//   sweep_foreign NAME      sweeps one
//
// Exit status: 0 all came out clean, 1 not all, 2 there is none of that name.

#include <algorithm>
#include <iostream>
#include <leash/fault/sweep.hpp>
#include <string_view>

#include "programs.hpp"

int main(int argc, char** argv) {
  using sweep_foreign::Program;
  const auto all = sweep_foreign::programs();
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  if (!wanted.empty() && std::ranges::find(all, wanted, &Program::name) == all.end()) {
    std::cerr << "sweep_foreign: there is no " << wanted << "; there are:";
    for (const Program& program : all) std::cerr << ' ' << program.name;
    std::cerr << '\n';
    return 2;
  }
  bool clean = true;
  for (const Program& program : all) {
    if (!wanted.empty() && wanted != program.name) continue;
    const auto result = leash::fault::sweep(program.run, program.options());
    std::cout << "== " << program.name << '\n' << result << '\n' << std::flush;
    clean = clean && result.ok();
  }
  return clean ? 0 : 1;
}
