#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace plugin {

inline thread_local std::uintptr_t caller = 0;

/// Notes where it is called from.
[[gnu::noinline]] inline void note_caller() {
  caller = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - 1;
}

struct Unload {
  void operator()(void* library) const { ::dlclose(library); }
};

/// symbols_plugin.cpp, loaded from `path` as long as this lives.
class Plugin {
 public:
  explicit Plugin(const std::string& path) : library_(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (!library_) throw std::runtime_error(::dlerror());
    reinterpret_cast<void (*)(void (*)())>(::dlsym(library_.get(), "run"))(note_caller);
    address_ = caller;
    line_ = *static_cast<unsigned*>(::dlsym(library_.get(), "called_at_line"));
  }

  /// Of the call in its function; on `line`.
  std::uintptr_t address() const { return address_; }
  unsigned line() const { return line_; }

 private:
  std::unique_ptr<void, Unload> library_;
  std::uintptr_t address_ = 0;
  unsigned line_ = 0;
};

}  // namespace plugin
