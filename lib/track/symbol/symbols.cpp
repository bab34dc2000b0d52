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
#include <leash/track/symbol/module_lines.hpp>
#include <leash/track/symbol/symbol_names.hpp>
#include <leash/track/symbols.hpp>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace LEASH_NAMESPACE::track {
namespace {

/// Whether debug information may have more to tell than the name alone.
bool is_bare(std::string_view function) {
  return !function.empty() && !function.substr(0, function.find_first_of("<(")).contains("::");
}

class Resolver {
 public:
  /// A report may be printed while static variables go.
  static Resolver& instance() {
    static constinit os::Lazy<Resolver> resolver;
    return resolver.get([] { return new Resolver(); });
  }

  std::vector<Frame> resolve(std::uintptr_t address) {
    if (auto frames = recall(address)) return *std::move(frames);
    const std::lock_guard working(working_);
    if (auto frames = recall(address)) return *std::move(frames);
    const os::Opening opening;
    const os::MayOpen files(os::Unlisted::files);
    int want = 0;
    std::vector<Frame> frames = read(address, want);
    if (want != 0) os::run_with_unshared_descriptors([&] { frames = read(address, want = 0); });
    if (want != 0) {
      for (Frame& frame : frames) frame.error = std::error_code(want, std::generic_category());
    }
    return frames;
  }

  /// Lets another thread finish what it reads, and so leave the dynamic linker's lock too: in a child both would be
  /// found as they are. Not so in a signal handler, behind which this thread goes on.
  static void before_fork() noexcept {
    waited_ = !working_.held();
    if (waited_) working_.lock();
  }

  static void after_fork() noexcept {
    if (waited_) working_.unlock();
  }

 private:
  struct Known {
    std::vector<Frame> frames;
    os::ModuleRef module;
    std::uint64_t loads = 0;  ///< Up to how many loaded libraries this is known to be true.
  };

  /// What files say of the address; remembered unless `want` becomes an errno, since more could not be read now.
  std::vector<Frame> read(std::uintptr_t address, int& want) {
    const std::uint64_t loads = count_loads();
    if (loads_ != loads) {
      modules_ = os::loaded_modules(modules_, want);
      loads_ = want == 0 ? std::optional(loads) : std::nullopt;
    }
    const os::ModuleRef module = os::module_of(modules_, address);
    if (auto frames = confirm(address, module, loads)) return *std::move(frames);
    std::vector<Frame> frames = look_up(address, module, want);
    if (want != 0) return frames;
    const std::lock_guard lock(remembering_);
    known_.insert_or_assign(address, Known{frames, module, loads});
    return frames;
  }

  std::uint64_t count_loads() {
    const std::lock_guard lock(remembering_);
    return os::modules_loaded();
  }

  std::optional<std::vector<Frame>> recall(std::uintptr_t address) {
    const std::lock_guard lock(remembering_);
    const auto known = known_.find(address);
    if (known == known_.end() || known->second.loads != os::modules_loaded()) return std::nullopt;
    return known->second.frames;
  }

  /// What was known before a library was loaded, if it was another one.
  std::optional<std::vector<Frame>> confirm(std::uintptr_t address, const os::ModuleRef& module, std::uint64_t loads) {
    const std::lock_guard lock(remembering_);
    const auto known = known_.find(address);
    if (known == known_.end() || known->second.module != module) return std::nullopt;
    known->second.loads = loads;
    return known->second.frames;
  }

  std::vector<Frame> look_up(std::uintptr_t address, const os::ModuleRef& module, int& want) {
    detail::DebugInfo::Answer answer;
    if (module) {
      answer = debug_info_.look_up(address, module, modules_);
      if (answer.want != 0) want = answer.want;
      if (answer.symbol.empty()) answer.symbol = detail::demangle(detail::exported_symbol(address).c_str());
    }
    std::vector<Frame>& frames = answer.frames;
    if (frames.empty()) frames.emplace_back();
    if (module && frames.front().file.empty()) {
      const detail::SourceLine found = lines_.find(address, module, want);
      if (!found.file.empty()) frames.front().file = detail::tidy_path(found.file);
      frames.front().line = found.line;
    }
    if (module && std::ranges::any_of(frames.begin(), frames.end() - 1, is_bare, &Frame::function)) {
      const std::vector<std::string> names = lines_.functions(address, module, want);
      for (std::size_t index = 0; names.size() == frames.size() && index < names.size(); ++index) {
        if (names[index].ends_with("::" + frames[index].function)) frames[index].function = names[index];
      }
    }
    // The symbol has the whole name; debug information may have no more than `operator()`. It is that of the outermost
    // function.
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

  static constinit bool waited_;

  static constinit os::Turn working_;  ///< Reading files is not for two threads at once, nor twice.
  std::optional<std::uint64_t> loads_;
  os::Modules modules_;
  detail::DebugInfo debug_info_;
  detail::ModuleLines lines_;

  os::Mutex remembering_;  ///< Of `known_`; after `working_`, and only for short.
  std::unordered_map<std::uintptr_t, Known> known_;
};

constinit bool Resolver::waited_ = false;
constinit os::Turn Resolver::working_;

[[gnu::init_priority(101)]] const os::ForkParticipant in_forks(os::ForkOrder::symbols, Resolver::before_fork,
                                                               Resolver::after_fork, Resolver::after_fork);

}  // namespace

std::vector<Frame> resolve(std::uintptr_t address) { return Resolver::instance().resolve(address); }

std::vector<Frame> resolve(const Stack& stack) {
  std::vector<Frame> frames;
  for (const std::uintptr_t address : stack.addresses) {
    for (Frame& frame : resolve(address)) frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace LEASH_NAMESPACE::track
