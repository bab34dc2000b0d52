#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

// What alarms_test.cpp puts on a leash: it knows nothing of leash, and closes all that it opens in ways of its own.

namespace {

int open_file() { return ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); }

/// As libuv closes.
int close_by_system_call(int count) {
  const int first = open_file();
  for (int time = 1; time < count; ++time) open_file();
  for (int time = 0; time < count; ++time) {
    if (::syscall(SYS_close, first + time) != 0) return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view part = argc < 2 ? "" : argv[1];
  if (part == "one") return close_by_system_call(1);
  if (part == "many") return close_by_system_call(5);
  if (part == "environment") return open_file() < 0 || ::clearenv() != 0 ? 1 : 0;
  return 8;
}
