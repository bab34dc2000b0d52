#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/modules.hpp>
#include <leash/track/symbols.hpp>
#include <string>
#include <vector>

struct backtrace_state;

namespace LEASH_NAMESPACE::track::detail {

/// What the files of the loaded modules tell of addresses, and the files with separate debug information that they name
/// by build id or link: read by libbacktrace. Without it nothing is known. For one thread at a time.
///
/// libbacktrace reads all modules that it finds loaded when it is first used, and never again; nor can what it read be
/// given back. So another reading is made for an address in a module that none knows, but at most `max_readings`.
class DebugInfo {
 public:
  static constexpr std::size_t max_readings = 16;

  struct Answer {
    std::vector<Frame> frames;  ///< With function, file and line, the innermost first; empty without debug information.
    std::string symbol;         ///< The demangled name of the outermost function, if the symbol table has one.
    int want = 0;  ///< An errno: for want of descriptors or memory something is unknown that may be known later.
  };

  /// `loaded` is what `module`, which `address` lies in, was found among.
  Answer look_up(std::uintptr_t address, const os::ModuleRef& module, const os::Modules& loaded);

 private:
  struct Reading {
    backtrace_state* state = nullptr;
    os::Modules modules;
  };

  backtrace_state* reading_of(const os::ModuleRef& module, const os::Modules& loaded, int& want);

  std::vector<Reading> readings_;
};

}  // namespace LEASH_NAMESPACE::track::detail
