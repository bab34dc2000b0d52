#include <leash/track/detail/debug_info.hpp>
#include <leash/track/detail/symbol_names.hpp>

#ifdef LEASH_HAVE_LIBBACKTRACE
#include <backtrace.h>

#include <algorithm>
#include <iterator>
#include <utility>
#endif

namespace LEASH_NAMESPACE::track::detail {

#ifdef LEASH_HAVE_LIBBACKTRACE

namespace {

void ignore_error(void*, const char*, int) {}

int add_frame(void* data, std::uintptr_t address, const char* file, int line, const char* function) {
  auto& frames = *static_cast<std::vector<Frame>*>(data);
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
  if (symbol != nullptr) *static_cast<std::string*>(data) = demangle(symbol);
}

bool contains(const Modules& modules, const ModuleRef& module) {
  return std::ranges::find(modules, module) != modules.end();
}

/// The file that libbacktrace is to take for the program's, for as long as the process lives; null for what runs.
const char* program_file(const Modules& loaded) {
  const auto program = std::ranges::find_if(loaded, [](const ModuleRef& module) { return module->program; });
  // What runs may be the dynamic linker, asked to run a program. But what runs can still be read when it is deleted.
  if (program == loaded.end() || (*program)->deleted || (*program)->path.empty()) return nullptr;
  static const std::string path = (*program)->path;
  return path.c_str();
}

}  // namespace

backtrace_state* DebugInfo::reading_of(const ModuleRef& module, const Modules& loaded) {
  for (const Reading& reading : readings_) {
    if (contains(reading.modules, module)) return reading.state;
  }
  // libbacktrace opens the files of all.
  if (readings_.size() == max_readings || std::ranges::any_of(loaded, &Module::irregular)) return nullptr;
  backtrace_state* const state = backtrace_create_state(program_file(loaded), 1, ignore_error, nullptr);
  if (state == nullptr) return nullptr;
  // Makes it read.
  std::string symbol;
  backtrace_syminfo(state, module->begin, set_symbol, ignore_error, &symbol);
  // It saw what was loaded at some time in between.
  const Modules after = loaded_modules(loaded);
  Reading reading{state, {}};
  std::ranges::copy_if(loaded, std::back_inserter(reading.modules),
                       [&](const ModuleRef& before) { return contains(after, before); });
  const bool read = contains(reading.modules, module);
  readings_.push_back(std::move(reading));
  return read ? state : nullptr;
}

DebugInfo::Answer DebugInfo::look_up(std::uintptr_t address, const ModuleRef& module, const Modules& loaded) {
  Answer answer;
  if (module->deleted && !module->program) return answer;
  if (backtrace_state* const state = reading_of(module, loaded); state != nullptr) {
    backtrace_pcinfo(state, address, add_frame, ignore_error, &answer.frames);
    backtrace_syminfo(state, address, set_symbol, ignore_error, &answer.symbol);
  }
  return answer;
}

#else

DebugInfo::Answer DebugInfo::look_up(std::uintptr_t, const ModuleRef&, const Modules&) { return {}; }

#endif

}  // namespace LEASH_NAMESPACE::track::detail
