// Ends with 0 if what opens handles and runs out of memory leaves nothing open and no file behind, and closes nothing
// that is not its own, whichever allocation of it has failed. An own program, since it has an own operator new.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <new>
#include <set>
#include <string>

#include "temp_dir.hpp"

namespace {

using leash::Context;

/// How many allocations of this thread still work before one fails; below 0 all do.
thread_local int left = -1;

int wrong = 0;
int closed_in_vain = 0;

void expect(bool holds, const char* what, const char* operation, int failing) {
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

/// While it lives, the allocation of this number fails.
struct NoMemory {
  explicit NoMemory(int failing) { left = failing; }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory() { left = -1; }
};

/// Does `open` once with each of its allocations failing, until none does. `open` returns a Result of a handle, which
/// is closed. `leaves_nothing` is called with how many did work before, after each that threw.
template <class Open, class LeavesNothing>
void try_each(const char* operation, Open open, LeavesNothing leaves_nothing) {
  for (int failing = 0; failing < 1000; ++failing) {
    const std::set<int> before = descriptors();
    closed_in_vain = 0;
    bool threw = false;
    {
      decltype(open()) opened;
      try {
        const NoMemory no_memory(failing);
        opened = open();
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      if (!threw && !opened) expect(false, to_string(opened.error()).c_str(), operation, failing);
    }
    expect(closed_in_vain == 0, "closed what was not open", operation, failing);
    expect(descriptors() == before, "other descriptors are open than before", operation, failing);
    leaves_nothing(failing);
    if (threw) continue;
    std::printf("%s: %d allocations\n", operation, failing);
    return;
  }
  expect(false, "it never succeeds", operation, -1);
}

void try_each(const char* operation, auto open) {
  try_each(operation, open, [](int) {});
}

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = left >= 0 && left-- == 0 ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" int close(int descriptor) {
  const long result = ::syscall(SYS_close, descriptor);
  if (result != 0 && errno == EBADF) ++closed_in_vain;
  return static_cast<int>(result);
}

int main() {
  const TempDir directory;
  const Context plain;
  leash::net::TcpBinder binder;
  leash::net::TcpDialer dialer;
  // What belongs to the thread, and to the process, is made first.
  const auto listener = leash::take(binder.bind(plain, "tcp", "127.0.0.1:0"));
  const std::string address = to_string(listener->address());
  const auto first = leash::take(dialer.dial(plain, "tcp", address));
  const auto accepted = leash::take(listener->accept(plain));

  const std::string path = directory / "socket";
  leash::net::TcpBinder private_binder(leash::net::TcpBinder::Options{.unix_mode = 0600});
  try_each(
      "bind of unix", [&] { return private_binder.bind(plain, "unix", path); },
      [&](int failing) {
        expect(!std::filesystem::exists(path), "the path is there", "bind of unix", failing);
        std::filesystem::remove(path);
      });
  try_each("bind of TCP", [&] { return binder.bind(plain, "tcp", "127.0.0.1:0"); });
  return wrong == 0 ? 0 : 1;
}
