// Forks again and again while threads loop over every kind of thing that leash does; each child then does two of them
// too, and every tenth all, with objects of its parent and with its own. Exits with 0 if all children did. An argument
// is the number of forks.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <leash/leash.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <leash/stop_token.hpp>
#include <leash/track/symbols.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using leash::Clock;
using leash::Context;
using leash::FakeClock;
using leash::Registration;
namespace fs = leash::fs;
namespace net = leash::net;
namespace os = leash::os;
namespace track = leash::track;

#ifdef NDEBUG
constexpr int default_forks = 10'000;
#else
constexpr int default_forks = 1'000;
#endif
constexpr unsigned patience = 60;  // seconds, after which a child is taken for dead
constexpr track::Kind handle{"handle", "handles"};

/// What one thread gives another that waits for it.
class Signal {
 public:
  void give() {
    {
      const std::lock_guard lock(mutex_);
      given_ = true;
    }
    changed_.notify_all();
  }
  bool wait() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    std::unique_lock lock(mutex_);
    while (!given_ && std::chrono::steady_clock::now() < deadline) changed_.wait_until(lock, deadline);
    return given_;
  }

 private:
  os::Mutex mutex_;
  os::ConditionVariable changed_;
  bool given_ = false;
};

template <class Make>
auto must(Make made) {
  if (made) return *std::move(made);
  std::fprintf(stderr, "%s\n", to_string(made.error()).c_str());
  std::_Exit(97);
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Two ends of a connection and where it came from.
struct Wire {
  Wire(net::Dialer& dialer, net::Binder& binder)
      : listener(must(binder.bind(Context(), "tcp", "127.0.0.1:0"))),
        near(must(dialer.dial(Context(), "tcp", to_string(listener->address())))),
        far(must(listener->accept(Context()))) {}

  bool carries() const {
    std::array<std::byte, 64> buffer{};
    if (!near->write(bytes_of("ping")) || !far->read(buffer)) return false;
    if (!near->set_read_deadline(Clock::real()->now() + 1ms)) return false;
    const auto late = near->read(buffer);
    return !late && late.error().timeout();
  }

  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Conn> near;
  std::unique_ptr<net::Conn> far;
};

/// What all threads of the parent share, and its children have.
struct World {
  std::shared_ptr<FakeClock> fake = std::make_shared<FakeClock>();
  leash::Cancellable root = Context::background().with_cancel();
  Context limited = root.context.with_timeout(24h);
  net::detail::SystemResolver resolver{
      [](const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; }};
  track::Tracker tracker;
  net::MemoryNetwork memory_network;
  net::TcpBinder binder;
  net::TcpDialer dialer;
  Wire in_memory{memory_network, memory_network};
  Wire over_tcp{dialer, binder};
  std::unique_ptr<net::Listener> listener = must(memory_network.bind(Context(), "tcp", "shared:1"));
  fs::MemoryFS files{{"kept.txt", "kept"}};
  std::atomic<std::uintptr_t> next_address{0};
};

bool use_timers(World& world) {
  Signal called;
  const Registration far = Clock::real()->at(Clock::real()->now() + 24h, [] {});
  const Registration near = Clock::real()->at(Clock::real()->now() + 100us, [&] { called.give(); });
  if (!called.wait()) return false;
  std::atomic<bool> faked = false;
  const Registration timer = world.fake->at(world.fake->now() + 1ms, [&] { faked = true; });
  world.fake->advance(1ms);
  return faked;
}

bool use_contexts(World& world) {
  auto [context, source] = world.limited.with_timeout(1h).with_cancel();
  int called = 0;
  Registration dropped = context.on_cancel([&] { called += 100; });
  const Registration kept = context.with_note("below").on_cancel([&] { ++called; });
  dropped.reset();
  const std::stop_token token = context.stop_token();
  source.cancel();
  if (called != 1 || !token.stop_requested()) return false;
  Signal expired;
  const Context brief = world.limited.with_timeout(100us);
  const Registration end = brief.on_cancel([&] { expired.give(); });
  return expired.wait() && brief.error() == std::errc::timed_out;
}

bool use_resolver(World& world) {
  const auto found = world.resolver.resolve(world.limited, "tcp", "name.test");
  return !found && found.error() == net::errc::host_not_found;
}

bool use_asynchronous_lookup(World& world) {
  const auto answered = std::make_shared<Signal>();
  world.resolver.async_resolve(world.limited, "tcp", "name.test", [answered](const auto& found) {
    if (!found && found.error() == net::errc::host_not_found) answered->give();
  });
  return answered->wait();
}

bool use_names(World& world) {
  const auto begin = reinterpret_cast<std::uintptr_t>(&use_timers);
  std::string text;
  for (const track::Frame& frame : track::resolve(begin + (world.next_address++ % 4096))) text += frame.module;
  return text.contains("forks");
}

bool use_tracker(World& world) {
  track::Tracker own;
  for (track::Tracker* const tracker : {&world.tracker, &own}) {
    track::Tag tag = tracker->create({handle, "one with a name of some length", 1});
    track::Tag child = tag.child({handle, "child"});
    const bool seen = tracker->open_count() >= 2 && !tracker->snapshot().groups.empty();
    child.close();
    tag.close();
    if (!seen) return false;
  }
  return own.close(1s).ok();
}

bool use_report(World& world) {
  track::Tag tag = world.tracker.create({handle, "reported"});
  const bool told = to_string(world.tracker.snapshot()).contains("reported");
  tag.close();
  return told;
}

bool use_memory_network(World& world) {
  auto near = world.memory_network.dial(world.limited, "tcp", "shared:1");
  auto far = world.listener->accept(world.limited);
  if (!near || !far) return false;
  const auto none = world.listener->accept(Context().with_timeout(100us));
  // Another thread of the parent may have dialled.
  return none || none.error().timeout();
}

bool use_pipe(World& world) {
  const Wire own(world.memory_network, world.memory_network);
  return own.carries();
}

bool use_tcp(World& world) {
  const auto none = world.over_tcp.listener->accept(Context().with_timeout(100us));
  return !none && none.error().timeout();
}

bool use_files(World& world) {
  const std::string name = std::to_string(os::ThreadId::current().serial());
  const auto kept = fs::read_file(Context(), world.files, "kept.txt");
  if (!kept || *kept != "kept") return false;
  if (!fs::write_file(Context(), world.files, name, "text")) return false;
  const auto read = fs::read_file(Context(), world.files, name);
  return read && *read == "text" && world.files.remove(Context(), name);
}

struct Kind {
  const char* name;
  bool (*use)(World&);
};
constexpr std::array kinds{Kind{"timers", use_timers},     Kind{"contexts", use_contexts},
                           Kind{"resolver", use_resolver}, Kind{"asynchronous look-up", use_asynchronous_lookup},
                           Kind{"names", use_names},       Kind{"tracker", use_tracker},
                           Kind{"report", use_report},     Kind{"memory network", use_memory_network},
                           Kind{"pipe", use_pipe},         Kind{"tcp", use_tcp},
                           Kind{"files", use_files}};

/// Lets children go first: they are what is waited for.
void give_way() { static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10)); }

/// Whether the child number `fork` does `kind`: of one after the other two in turn, or all.
bool does(int fork, const Kind& kind) {
  const auto number = static_cast<int>(&kind - kinds.data());
  const auto count = static_cast<int>(kinds.size());
  return fork % 10 == 9 || fork % count == number || fork / count % count == number;
}

/// Its kinds; and that of the parent's connections only the child can use, since a thread of its own is at each end.
int in_child(World& world, int fork) {
  ::alarm(patience);
  for (const Kind& kind : kinds) {
    if (!does(fork, kind) || kind.use(world)) continue;
    std::fprintf(stderr, "in a child: %s\n", kind.name);
    return 1;
  }
  if (!world.in_memory.carries() || !world.over_tcp.near->close()) return 2;
  world.root.source.cancel();
  return world.limited.done() ? 0 : 3;
}

/// The status of the child number `fork`; if it forks again, that of its own child.
int status_of_child(World& world, int fork, bool again) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(again ? status_of_child(world, fork, false) : in_child(world, fork));
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

int main(int argc, char** argv) {
  const int forks = argc > 1 ? std::atoi(argv[1]) : default_forks;
  World world;
  std::atomic<bool> done = false;
  std::atomic<bool> failed = false;
  std::vector<std::jthread> threads;
  for (const Kind& kind : kinds) {
    threads.emplace_back([&] {
      give_way();
      while (!done && !failed) {
        if (!kind.use(world)) {
          std::fprintf(stderr, "in the parent: %s\n", kind.name);
          failed = true;
        }
      }
    });
  }
  // One that waits for ever, in each sort of wait.
  threads.emplace_back([&] {
    std::array<std::byte, 1> byte{};
    static_cast<void>(world.in_memory.near->read(byte));
  });
  threads.emplace_back([&] {
    std::array<std::byte, 1> byte{};
    static_cast<void>(world.over_tcp.near->read(byte));
  });
  for (int fork = 0; fork < forks && !failed; ++fork) {
    // So that the parent does not hang either.
    ::alarm(3 * patience);
    const int status = status_of_child(world, fork, fork % 20 == 19);
    if (status == 0) continue;
    std::fprintf(stderr, "fork %d: %d\n", fork, status);
    failed = true;
  }
  done = true;
  static_cast<void>(world.in_memory.near->close());
  static_cast<void>(world.over_tcp.near->close());
  return failed ? 1 : 0;
}
