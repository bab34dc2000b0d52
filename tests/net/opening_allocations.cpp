// Ends with 0 if what opens handles and runs out of memory leaves nothing open and no file behind, and closes nothing
// that is not its own, whichever allocation of it has failed. An own program, since it has an own operator new.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <leash/net/adopt.hpp>
#include <leash/net/asio.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>

#include "temp_dir.hpp"

namespace {

using leash::Context;

/// How many allocations of this thread still work before one fails; below 0 all do.
thread_local int left = -1;

int failing = 0;  ///< The number of that one.
int wrong = 0;
int closed_in_vain = 0;

void expect(bool holds, const char* what, const char* operation) {
  if (holds) return;
  ++wrong;
  std::printf("%s: %s, when allocation %d has failed\n", operation, what, failing);
}

std::set<int> descriptors() {
  std::set<int> open;
  for (int number = 0; number < 256; ++number) {
    if (::fcntl(number, F_GETFD) != -1) open.insert(number);
  }
  return open;
}

/// Does `open` once with each of its allocations failing, until none does. `open` returns a Result of a handle, which
/// ends. `after` is called with whether it threw; then all is to be as it was before `prepare`.
template <class Open>
void try_each(const char* operation, std::function<void()> prepare, Open open, std::function<void(bool)> after) {
  for (failing = 0; failing < 1000; ++failing) {
    const std::set<int> before = descriptors();
    closed_in_vain = 0;
    prepare();
    bool threw = false;
    {
      std::optional<decltype(open())> opened;
      left = failing;
      try {
        opened.emplace(open());
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      left = -1;
      if (opened && !*opened) expect(false, to_string(opened->error()).c_str(), operation);
    }
    after(threw);
    expect(closed_in_vain == 0, "it closed what was not open", operation);
    expect(descriptors() == before, "other descriptors are open than before", operation);
    if (threw) continue;
    std::printf("%s: %d allocations\n", operation, failing);
    return;
  }
  expect(false, "it never succeeds", operation);
}

/// A socket of other code, connected to `address`.
int connected_to(const leash::net::Address& address) {
  const leash::net::detail::SocketAddress there(leash::take(address.endpoint()));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(socket, there.data(), there.size()) != 0) std::abort();
  return socket;
}

}  // namespace

// They are not inlined: GCC 12 would compare a `new` with a `free`, or a `malloc` with a `delete`.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const memory = left >= 0 && left-- == 0 ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" int close(int descriptor) {
  const long result = ::syscall(SYS_close, descriptor);
  if (result != 0 && errno == EBADF) ++closed_in_vain;
  return static_cast<int>(result);
}

int main() {
  const TempDir directory;
  const Context plain;
  auto [tracker, tracked] = leash::track::with_tracker(plain);
  leash::net::TcpBinder binder;
  leash::net::TcpDialer dialer;
  const auto nothing = [] {};
  const auto nothing_after = [](bool) {};

  // What belongs to the thread, and to the process, is made first.
  const auto listener = leash::take(binder.bind(plain, "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  static_cast<void>(leash::take(dialer.dial(plain, "tcp", address)));
  static_cast<void>(leash::take(listener->accept(plain)));

  const std::string path = directory / "socket";
  leash::net::TcpBinder private_binder(leash::net::TcpBinder::Options{.unix_mode = 0600});
  try_each(
      "bind of unix", nothing, [&] { return private_binder.bind(plain, "unix", path); },
      [&](bool) {
        expect(!std::filesystem::exists(path), "the path is there", "bind of unix");
        std::filesystem::remove(path);
      });
  try_each("bind of TCP", nothing, [&] { return binder.bind(plain, "tcp", "127.0.0.1:0"); }, nothing_after);
  try_each("dial", nothing, [&] { return dialer.dial(plain, "tcp", address); }, nothing_after);
  try_each(
      "accept", [&] { ::close(connected_to(listener->address())); }, [&] { return listener->accept(plain); },
      nothing_after);

  int foreign = -1;
  const auto make_foreign = [&] { foreign = connected_to(listener->address()); };
  const auto is_still_the_callers = [&](bool threw) {
    if (!threw) return;
    expect((::fcntl(foreign, F_GETFL) & O_NONBLOCK) == 0, "the flags of the descriptor are others", "adopt");
    expect(::close(foreign) == 0, "the descriptor is closed", "adopt");
  };
  try_each("adopt", make_foreign, [&] { return leash::net::adopt(plain, foreign); }, is_still_the_callers);
  try_each("adopt, tracked", make_foreign, [&] { return leash::net::adopt(tracked, foreign); }, is_still_the_callers);

  const auto make_foreign_listener = [&] {
    foreign = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::listen(foreign, 8) != 0) std::abort();
  };
  for (const Context& ctx : {plain, tracked}) {
    try_each(
        "adopt_listener", make_foreign_listener, [&] { return leash::net::adopt_listener(ctx, foreign); },
        is_still_the_callers);
  }

  asio::io_context loop;
  // The first socket makes the descriptors of the loop.
  static_cast<void>(asio::ip::tcp::socket(loop));
  std::optional<asio::ip::tcp::socket> socket;
  const auto make_socket = [&] { socket.emplace(loop, asio::ip::tcp::v4(), connected_to(listener->address())); };
  try_each(
      "adopt of Asio", make_socket, [&] { return leash::net::adopt(tracked, *std::move(socket)); },
      [&](bool) { socket.reset(); });
  std::unique_ptr<leash::net::Conn> conn;
  try_each(
      "to_asio", [&] { conn = leash::take(dialer.dial(plain, "tcp", address)); },
      [&] { return leash::net::to_asio(*conn, loop.get_executor()); }, [&](bool) { conn.reset(); });
  return wrong == 0 ? 0 : 1;
}
