#include <leash/os/want.hpp>
#include <leash/track/symbol/debug_info.hpp>
#include <leash/track/symbol/symbol_names.hpp>

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

/// That there is no debug information is no error.
void note_error(void* data, const char*, int error) {
  if (os::is_want(error)) static_cast<Answer*>(data)->want = error;
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

/// The file that libbacktrace is to take for the program's, for as long as the process lives; null for what runs.
const char* program_file(const os::Modules& loaded) {
  const auto program = std::ranges::find_if(loaded, [](const os::ModuleRef& module) { return module->program; });
  // What runs may be the dynamic linker, asked to run a program. But what runs can still be read when it is deleted.
  if (program == loaded.end() || (*program)->deleted || (*program)->path.empty()) return nullptr;
  static const std::string path = (*program)->path;
  return path.c_str();
}

}  // namespace

backtrace_state* DebugInfo::reading_of(const os::ModuleRef& module, const os::Modules& loaded, int& want) {
  for (const Reading& reading : readings_) {
    if (contains(reading.modules, module)) return reading.state;
  }
  // libbacktrace opens the files of all.
  if (readings_.size() == max_readings || std::ranges::any_of(loaded, &os::Module::irregular)) return nullptr;
  Answer ignored;
  backtrace_state* const state = backtrace_create_state(program_file(loaded), 1, note_error, &ignored);
  // Makes it read.
  if (state != nullptr) backtrace_syminfo(state, module->begin, set_symbol, note_error, &ignored);
  // It saw what was loaded at some time in between.
  const os::Modules after = os::loaded_modules(loaded, ignored.want);
  if (ignored.want != 0) {
    // What it could not read it would never read again.
    want = ignored.want;
    return nullptr;
  }
  if (state == nullptr) return nullptr;
  Reading reading{state, {}};
  std::ranges::copy_if(loaded, std::back_inserter(reading.modules),
                       [&](const os::ModuleRef& before) { return contains(after, before); });
  const bool read = contains(reading.modules, module);
  readings_.push_back(std::move(reading));
  return read ? state : nullptr;
}

Answer DebugInfo::look_up(std::uintptr_t address, const os::ModuleRef& module, const os::Modules& loaded) {
  Answer answer;
  if (module->deleted && !module->program) return answer;
  if (backtrace_state* const state = reading_of(module, loaded, answer.want); state != nullptr) {
    backtrace_pcinfo(state, address, add_frame, note_error, &answer);
    backtrace_syminfo(state, address, set_symbol, note_error, &answer);
  }
  return answer;
}

#else

DebugInfo::Answer DebugInfo::look_up(std::uintptr_t, const os::ModuleRef&, const os::Modules&) { return {}; }

#endif

}  // namespace LEASH_NAMESPACE::track::detail
