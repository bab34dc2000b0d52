#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <leash/track/detail/symbol_names.hpp>
#include <leash/track/symbols.hpp>
#include <mutex>
#include <unordered_map>
#include <utility>

#ifdef LEASH_HAVE_LIBBACKTRACE
#include <backtrace.h>
#endif

namespace LEASH_NAMESPACE::track {
namespace {

#ifdef LEASH_HAVE_LIBBACKTRACE

void ignore_error(void*, const char*, int) {}

/// libbacktrace has no way to free its state, so there is one for the process.
backtrace_state* libbacktrace() {
  static backtrace_state* const state = backtrace_create_state(nullptr, 1, ignore_error, nullptr);
  return state;
}

int add_frame(void* data, std::uintptr_t address, const char* file, int line, const char* function) {
  auto& frames = *static_cast<std::vector<Frame>*>(data);
  if (file == nullptr && function == nullptr) return 0;
  Frame frame;
  frame.address = address;
  frame.function = detail::demangle(function);
  if (file != nullptr) frame.file = detail::tidy_path(file);
  frame.line = line > 0 ? static_cast<unsigned>(line) : 0;
  frames.push_back(std::move(frame));
  return 0;
}

void set_symbol(void* data, std::uintptr_t, const char* symbol, std::uintptr_t, std::uintptr_t) {
  if (symbol != nullptr) *static_cast<std::string*>(data) = detail::demangle(symbol);
}

/// Fills in what the debug information knows, and returns the name in the symbol table.
std::string look_up(std::uintptr_t address, std::vector<Frame>& frames) {
  std::string symbol;
  if (backtrace_state* const state = libbacktrace(); state != nullptr) {
    backtrace_pcinfo(state, address, add_frame, ignore_error, &frames);
    backtrace_syminfo(state, address, set_symbol, ignore_error, &symbol);
  }
  return symbol;
}

#else

std::string look_up(std::uintptr_t, std::vector<Frame>&) { return {}; }

#endif

struct Place {
  std::string module;
  std::uintptr_t offset = 0;
  std::string symbol;
};

Place locate(std::uintptr_t address) {
  Place place;
  Dl_info info{};
  void* extra = nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of code is what dladdr takes
  if (::dladdr1(reinterpret_cast<const void*>(address), &info, &extra, RTLD_DL_SYMENT) == 0) return place;
  if (info.dli_fname != nullptr) place.module = info.dli_fname;
  const auto* const header = static_cast<const ElfW(Ehdr)*>(info.dli_fbase);
  // In a program that is not position-independent the addresses in the file are those in memory.
  const bool fixed = header->e_type == ET_EXEC;
  place.offset = fixed ? address : address - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  const auto* const symbol = static_cast<const ElfW(Sym)*>(extra);
  const auto start = reinterpret_cast<std::uintptr_t>(info.dli_saddr);
  // dladdr names the nearest symbol before the address, whether or not it reaches that far.
  if (info.dli_sname != nullptr && symbol != nullptr && address - start < symbol->st_size) {
    place.symbol = detail::demangle(info.dli_sname);
  }
  return place;
}

std::vector<Frame> look_up_all(std::uintptr_t address) {
  std::vector<Frame> frames;
  std::string symbol = look_up(address, frames);
  Place place = locate(address);
  if (symbol.empty()) symbol = std::move(place.symbol);
  if (frames.empty()) frames.emplace_back();
  // The symbol has the whole name; debug information may have no more than `operator()`. It is that of the outermost
  // function.
  if (!symbol.empty()) frames.back().function = std::move(symbol);
  for (Frame& frame : frames) {
    frame.address = address;
    frame.function = abridge(frame.function);
    frame.inlined = &frame != &frames.back();
    frame.module = place.module;
    frame.offset = place.offset;
  }
  return frames;
}

class Cache {
 public:
  std::vector<Frame> resolve(std::uintptr_t address) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = frames_.find(address); known != frames_.end()) return known->second;
    }
    std::vector<Frame> frames = look_up_all(address);
    const std::lock_guard lock(mutex_);
    frames_.emplace(address, frames);
    return frames;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uintptr_t, std::vector<Frame>> frames_;
};

}  // namespace

std::vector<Frame> resolve(std::uintptr_t address) {
  // Never destroyed: a report may be printed while static variables go.
  static auto* const cache = new Cache();
  return cache->resolve(address);
}

std::vector<Frame> resolve(const Stack& stack) {
  std::vector<Frame> frames;
  for (const std::uintptr_t address : stack.addresses) {
    for (Frame& frame : resolve(address)) frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace LEASH_NAMESPACE::track
