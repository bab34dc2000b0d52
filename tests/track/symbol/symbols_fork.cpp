// Forks again and again while other threads look up names; each child then does the same.
// Exits with 0 if all children did.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <leash/track/symbols.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int forks = 40;
constexpr unsigned patience = 60;  // seconds, after which a child is taken for dead

/// Looks up an address for the first time, and has it named.
bool names_new_address(std::uintptr_t address) {
  std::string text;
  for (const leash::track::Frame& frame : leash::track::resolve(address)) text += frame.module + frame.function;
  return text.contains("symbols_fork");
}

int in_child(std::uintptr_t address) {
  ::alarm(patience);
  if (names_new_address(address)) return 0;
  std::fputs("a child could not name an address\n", stderr);
  return 1;
}

}  // namespace

int main() {
  const auto begin = reinterpret_cast<std::uintptr_t>(&names_new_address);
  std::atomic<bool> done = false;
  std::atomic<unsigned> next = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&] {
      while (!done) names_new_address(begin + (next++ % 65536));
    });
  }
  int failed = 0;
  for (int fork = 0; fork < forks; ++fork) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(in_child(begin - 1 - static_cast<unsigned>(fork)));
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) std::fprintf(stderr, "fork %d: status %#x\n", fork, static_cast<unsigned>(status));
    failed += status != 0 ? 1 : 0;
  }
  done = true;
  return failed;
}
