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

/// Looks addresses up with libbacktrace: in the files of the loaded modules, and in the files with separate debug
/// information that these name by build id or link. If leash is built without libbacktrace, every answer is empty. For
/// one thread at a time.
///
/// A `backtrace_state` reads all modules that are loaded when it is first used, never reads another one later, and
/// cannot be freed. So an address in a module that no state has read gets a new state, up to `max_states` of them.
class DebugInfo {
 public:
  static constexpr std::size_t max_states = 16;

  struct Answer {
    std::vector<Frame> frames;  ///< With function, file and line, the innermost first; empty without debug information.
    std::string symbol;         ///< The demangled name of the outermost function by the symbol table, or empty.
    int shortage = 0;  ///< The errno if descriptors or memory ran out: look the address up again later. Else 0.
  };

  /// `address` lies in `module`, which is one of `loaded`, the list of all loaded modules.
  Answer look_up(std::uintptr_t address, const os::ModuleRef& module, const os::Modules& loaded);

 private:
  struct State {
    backtrace_state* state = nullptr;
    os::Modules modules;  ///< Those that it has read.
  };

  /// The state that has read `module`. Null if there can be none, or if `shortage` became an errno.
  backtrace_state* state_for(const os::ModuleRef& module, const os::Modules& loaded, int& shortage);

  std::vector<State> states_;
};

}  // namespace LEASH_NAMESPACE::track::detail
