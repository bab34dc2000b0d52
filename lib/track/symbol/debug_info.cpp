#include <leash/os/shortage.hpp>
#include <leash/track/symbol/debug_info.hpp>
#include <leash/track/symbol/function_names.hpp>

#ifdef LEASH_HAVE_LIBBACKTRACE
#include <backtrace.h>

#include <algorithm>
#include <iterator>
#include <utility>
#endif

namespace LEASH_NAMESPACE::track::detail {

#ifdef LEASH_HAVE_LIBBACKTRACE

namespace {

using Answer = DebugInfo::Answer;

/// The error callback of libbacktrace, which is also called where there is no debug information: that is no error here.
void note_want(void* data, const char*, int error) {
  if (os::is_shortage(error)) static_cast<Answer*>(data)->shortage = error;
}

int add_frame(void* data, std::uintptr_t address, const char* file, int line, const char* function) {
  auto& frames = static_cast<Answer*>(data)->frames;
  if (file == nullptr && function == nullptr) return 0;
  Frame frame;
  frame.address = address;
  frame.function = demangle(function);
  if (file != nullptr) frame.file = tidy_path(file);
  frame.line = line > 0 ? static_cast<unsigned>(line) : 0;
  frames.push_back(std::move(frame));
  return 0;
}

void set_symbol(void* data, std::uintptr_t, const char* symbol, std::uintptr_t, std::uintptr_t) {
  if (symbol != nullptr) static_cast<Answer*>(data)->symbol = demangle(symbol);
}

bool contains(const os::Modules& modules, const os::ModuleRef& module) {
  return std::ranges::find(modules, module) != modules.end();
}

/// The file that libbacktrace shall read for the program; null for its default, /proc/self/exe. Never freed.
const char* program_file(const os::Modules& loaded) {
  const auto program = std::ranges::find_if(loaded, [](const os::ModuleRef& module) { return module->program; });
  // By default only if need be: /proc/self/exe is the dynamic linker where that was called to run the program
  // (`ld.so program`). But it can be read even if the program's file is deleted.
  if (program == loaded.end() || (*program)->deleted || (*program)->path.empty()) return nullptr;
  static const std::string path = (*program)->path;
  return path.c_str();
}

}  // namespace

backtrace_state* DebugInfo::state_for(const os::ModuleRef& module, const os::Modules& loaded, int& shortage) {
  for (const State& known : states_) {
    if (contains(known.modules, module)) return known.state;
  }
  // libbacktrace opens the files of all loaded modules, and to open an irregular one might block for ever.
  if (states_.size() == max_states || std::ranges::any_of(loaded, &os::Module::irregular)) return nullptr;
  Answer ignored;
  backtrace_state* const state = backtrace_create_state(program_file(loaded), 1, note_want, &ignored);
  // The first look-up makes it read the modules.
  if (state != nullptr) backtrace_syminfo(state, module->begin, set_symbol, note_want, &ignored);
  // Other threads may load and unload libraries meanwhile. What was loaded before and after was loaded when
  // libbacktrace listed the modules.
  const os::Modules after = os::loaded_modules(loaded, ignored.shortage);
  if (ignored.shortage != 0) {
    // This state would never read again what it could not read now.
    shortage = ignored.shortage;
    return nullptr;
  }
  if (state == nullptr) return nullptr;
  State fresh{state, {}};
  std::ranges::copy_if(loaded, std::back_inserter(fresh.modules),
                       [&](const os::ModuleRef& before) { return contains(after, before); });
  const bool read = contains(fresh.modules, module);
  states_.push_back(std::move(fresh));
  return read ? state : nullptr;
}

Answer DebugInfo::look_up(std::uintptr_t address, const os::ModuleRef& module, const os::Modules& loaded) {
  Answer answer;
  if (module->deleted && !module->program) return answer;
  if (backtrace_state* const state = state_for(module, loaded, answer.shortage); state != nullptr) {
    backtrace_pcinfo(state, address, add_frame, note_want, &answer);
    backtrace_syminfo(state, address, set_symbol, note_want, &answer);
  }
  return answer;
}

#else

DebugInfo::Answer DebugInfo::look_up(std::uintptr_t, const os::ModuleRef&, const os::Modules&) { return {}; }

#endif

}  // namespace LEASH_NAMESPACE::track::detail
