#include <algorithm>
#include <leash/os/fork.hpp>
#include <leash/os/lazy.hpp>
#include <leash/os/modules.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/turn.hpp>
#include <leash/os/unshared_descriptors.hpp>
#include <leash/track/symbol/debug_info.hpp>
#include <leash/track/symbol/exported_symbol.hpp>
#include <leash/track/symbol/function_names.hpp>
#include <leash/track/symbol/module_lines.hpp>
#include <leash/track/symbols.hpp>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

/// Whether a name has no namespace or class before it, so that the debug information may have a better one.
bool is_unqualified(std::string_view function) {
  return !function.empty() && !function.substr(0, function.find_first_of("<(")).contains("::");
}

/// Finds the frames of addresses, and caches them. One for the process; thread-safe.
class Symbolizer {
 public:
  /// Never destroyed: a report may be printed while static variables are destroyed.
  static Symbolizer& instance() {
    static constinit os::Lazy<Symbolizer> symbolizer;
    return symbolizer.get([] { return new Symbolizer(); });
  }

  std::vector<Frame> resolve(std::uintptr_t address) {
    if (auto frames = find_cached(address)) return *std::move(frames);
    const std::lock_guard reading(reading_);
    // Another thread may have read them while this one waited.
    if (auto frames = find_cached(address)) return *std::move(frames);
    const os::Opening opening;
    const os::MayOpen may_open(os::Unlisted::files);
    int shortage = 0;
    std::vector<Frame> frames = resolve_uncached(address, shortage);
    if (shortage != 0) os::run_with_unshared_descriptors([&] { frames = resolve_uncached(address, shortage = 0); });
    if (shortage != 0) {
      for (Frame& frame : frames) frame.error = std::error_code(shortage, std::generic_category());
    }
    return frames;
  }

  /// Waits until no other thread reads files: the child would find what that thread reads half done, and the dynamic
  /// linker's lock held if the thread is in there. Does not wait if the calling thread itself reads and forks in a
  /// signal handler: it goes on reading in the child.
  static void before_fork() noexcept {
    locked_for_fork_ = !reading_.held();
    if (locked_for_fork_) reading_.lock();
  }

  static void after_fork() noexcept {
    if (locked_for_fork_) reading_.unlock();
  }

 private:
  struct CacheEntry {
    std::vector<Frame> frames;
    os::ModuleRef module;
    std::uint64_t loads = 0;  ///< The frames are right for as long as `os::modules_loaded()` is this.
  };

  /// The frames at `address`, by the modules that are loaded now. Caches them unless `shortage` becomes the errno
  /// because descriptors or memory ran out: then some may be missing. Only under `reading_`.
  std::vector<Frame> resolve_uncached(std::uintptr_t address, int& shortage) {
    const std::uint64_t loads = count_loads();
    if (loads_of_modules_ != loads) {
      modules_ = os::loaded_modules(modules_, shortage);
      loads_of_modules_ = shortage == 0 ? std::optional(loads) : std::nullopt;
    }
    const os::ModuleRef module = os::module_of(modules_, address);
    if (auto frames = revalidate_cached(address, module, loads)) return *std::move(frames);
    std::vector<Frame> frames = read_frames(address, module, shortage);
    if (shortage != 0) return frames;
    const std::lock_guard lock(cache_mutex_);
    cache_.insert_or_assign(address, CacheEntry{frames, module, loads});
    return frames;
  }

  std::uint64_t count_loads() {
    const std::lock_guard lock(cache_mutex_);
    return os::modules_loaded();
  }

  /// The cached frames, unless a library was loaded since they were cached or revalidated.
  std::optional<std::vector<Frame>> find_cached(std::uintptr_t address) {
    const std::lock_guard lock(cache_mutex_);
    const auto cached = cache_.find(address);
    if (cached == cache_.end() || cached->second.loads != os::modules_loaded()) return std::nullopt;
    return cached->second.frames;
  }

  /// The cached frames, if they were found in `module`: the one that `address` lies in when `loads` libraries have been
  /// loaded. Marks them as right for that number.
  std::optional<std::vector<Frame>> revalidate_cached(std::uintptr_t address, const os::ModuleRef& module,
                                                      std::uint64_t loads) {
    const std::lock_guard lock(cache_mutex_);
    const auto cached = cache_.find(address);
    if (cached == cache_.end() || cached->second.module != module) return std::nullopt;
    cached->second.loads = loads;
    return cached->second.frames;
  }

  /// Reads the frames at `address`, which lies in `module`, from files and memory. If `module` is null, or nothing is
  /// known, one frame without a name.
  std::vector<Frame> read_frames(std::uintptr_t address, const os::ModuleRef& module, int& shortage) {
    detail::DebugInfo::Answer answer;
    if (module) {
      answer = debug_info_.look_up(address, module, modules_);
      if (answer.shortage != 0) shortage = answer.shortage;
      if (answer.symbol.empty()) answer.symbol = detail::demangle(detail::exported_symbol(address).c_str());
    }
    std::vector<Frame>& frames = answer.frames;
    if (frames.empty()) frames.emplace_back();
    if (module && frames.front().file.empty()) {
      const detail::SourceLine found = lines_.find_line(address, module, shortage);
      if (!found.file.empty()) frames.front().file = detail::tidy_path(found.file);
      frames.front().line = found.line;
    }
    if (module && std::ranges::any_of(frames.begin(), frames.end() - 1, is_unqualified, &Frame::function)) {
      const std::vector<std::string> names = lines_.find_functions(address, module, shortage);
      for (std::size_t index = 0; names.size() == frames.size() && index < names.size(); ++index) {
        if (names[index].ends_with("::" + frames[index].function)) frames[index].function = names[index];
      }
    }
    // The symbol names the outermost function, with its namespaces; libbacktrace may call it just `operator()`.
    if (!answer.symbol.empty()) frames.back().function = std::move(answer.symbol);
    for (Frame& frame : frames) {
      frame.address = address;
      frame.function = abridge(frame.function);
      frame.inlined = &frame != &frames.back();
      if (!module) continue;
      frame.module = module->path;
      frame.offset = address - module->bias;
    }
    return frames;
  }

  static constinit bool locked_for_fork_;  ///< Whether `before_fork` has locked `reading_`.

  /// Guards the four members below, and is held while files are read.
  static constinit os::Turn reading_;
  /// `os::modules_loaded()` just before `modules_` was listed; nothing if the list may be incomplete.
  std::optional<std::uint64_t> loads_of_modules_;
  os::Modules modules_;
  detail::DebugInfo debug_info_;
  detail::ModuleLines lines_;

  os::Mutex cache_mutex_;  ///< Guards `cache_`. Locked after `reading_` where both are, and never while files are read.
  std::unordered_map<std::uintptr_t, CacheEntry> cache_;
};

constinit bool Symbolizer::locked_for_fork_ = false;
constinit os::Turn Symbolizer::reading_;

[[gnu::init_priority(101)]] const os::ForkParticipant symbols_in_forks(os::ForkOrder::symbols, Symbolizer::before_fork,
                                                                       Symbolizer::after_fork, Symbolizer::after_fork);

}  // namespace

std::vector<Frame> resolve(std::uintptr_t address) { return Symbolizer::instance().resolve(address); }

std::vector<Frame> resolve(const Stack& stack) {
  std::vector<Frame> frames;
  for (const std::uintptr_t address : stack.addresses) {
    for (Frame& frame : resolve(address)) frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace LEASH_NAMESPACE::track
