// The functions of the C library that start programs, and end this one at once, in front of those of libc.
#include <sys/types.h>
#include <unistd.h>

#include <alloca.h>

#include <cstdarg>
#include <cstddef>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/orders.hpp>
#include <leash/interpose/real.hpp>
#include <leash/interpose/report.hpp>

#if defined(__x86_64__) || defined(__aarch64__)
#define LEASH_REAL_VFORK 1
#else
#define LEASH_REAL_VFORK 0
#endif

using leash::interpose::Descriptors;
using leash::interpose::LeashedEnvironment;
using leash::interpose::Real;

namespace {

#if LEASH_REAL_VFORK
constinit const Real<pid_t()> real_vfork [[gnu::section("leash_reals")]] ("vfork");
#else
constinit const Real<pid_t()> real_fork [[gnu::section("leash_reals")]] ("fork");
#endif
constinit const Real<int(const char*, char* const*, char* const*)> real_execve
    [[gnu::section("leash_reals")]] ("execve");
constinit const Real<int(const char*, char* const*, char* const*)> real_execvpe
    [[gnu::section("leash_reals")]] ("execvpe");
constinit const Real<int(int, char* const*, char* const*)> real_fexecve [[gnu::section("leash_reals")]] ("fexecve");
constinit const Real<int(int, const char*, char* const*, char* const*, int)> real_execveat
    [[gnu::section("leash_reals")]] ("execveat");
constinit const Real<void(int)> real_exit [[gnu::section("leash_reals")]] ("_exit");

/// How many arguments there are from `first` on, up to a null.
std::size_t count_arguments(const char* first, va_list* rest) {
  std::size_t count = 0;
  for (const char* each = first; each != nullptr; each = va_arg(*rest, const char*)) ++count;
  return count;
}

/// Puts them into `to`, with the null.
void put_arguments(char** to, const char* first, va_list* rest) {
  *to = const_cast<char*>(first);
  while (*to != nullptr) *++to = const_cast<char*>(va_arg(*rest, const char*));
}

/// The environment of what this process becomes, or a child of vfork(2) that shares its memory.
LeashedEnvironment on_leash(char* const* environment) noexcept { return {environment, Descriptors::is_vforked()}; }

[[noreturn]] void end_at_once(int status) noexcept {
  const bool fails = leash::interpose::report_at_once();
  for (;;) real_exit(fails ? 1 : status);
}

}  // namespace

#if LEASH_REAL_VFORK
/// What vfork(2) is to do, by its address, after this thread has been told.
extern "C" [[gnu::used, gnu::visibility("hidden")]] pid_t (*leash_interpose_begin_vfork())() {
  Descriptors::begin_vfork();
  return real_vfork.get();
}

// The child returns first, with the stack that its parent returns with later: so nothing of a function's own may lie
// there when the real one is called, and it is jumped to.
#if defined(__x86_64__)
asm(R"(
  .text
  .globl vfork
  .type vfork, @function
vfork:
  endbr64
  sub $8, %rsp
  call leash_interpose_begin_vfork
  add $8, %rsp
  jmp *%rax
  .size vfork, .-vfork
)");
#elif defined(__aarch64__)
asm(R"(
  .text
  .globl vfork
  .type vfork, %function
vfork:
  stp x29, x30, [sp, -16]!
  bl leash_interpose_begin_vfork
  ldp x29, x30, [sp], 16
  br x0
  .size vfork, .-vfork
)");
#endif
#endif

/// What execl(3) and its kin have in common: `call` is made with the arguments as an array, `arguments`. A macro, since
/// that lies on the stack of the function itself.
#define LEASH_WITH_ARGUMENTS(first)                                                  \
  va_list rest;                                                                      \
  va_start(rest, first);                                                             \
  const std::size_t count = count_arguments(first, &rest);                           \
  va_end(rest);                                                                      \
  char** const arguments = static_cast<char**>(alloca((count + 1) * sizeof(char*))); \
  va_start(rest, first);                                                             \
  put_arguments(arguments, first, &rest)

// NOLINTBEGIN(cert-dcl37-c,cert-dcl50-cpp,cert-dcl51-cpp,bugprone-reserved-identifier): these names are the point
extern "C" {

#pragma GCC visibility push(default)

#if !LEASH_REAL_VFORK
/// Slower, and its child cannot tell its parent anything, but nothing else is known to work here.
pid_t vfork() noexcept { return real_fork(); }
#endif

int execve(const char* path, char* const argv[], char* const environment[]) noexcept {
  return real_execve(path, argv, on_leash(environment).get());
}
int execv(const char* path, char* const argv[]) noexcept { return real_execve(path, argv, on_leash(environ).get()); }
int execvp(const char* file, char* const argv[]) noexcept { return real_execvpe(file, argv, on_leash(environ).get()); }
int execvpe(const char* file, char* const argv[], char* const environment[]) noexcept {
  return real_execvpe(file, argv, on_leash(environment).get());
}
int fexecve(int number, char* const argv[], char* const environment[]) noexcept {
  return real_fexecve(number, argv, on_leash(environment).get());
}
int execveat(int directory, const char* path, char* const argv[], char* const environment[], int flags) noexcept {
  return real_execveat(directory, path, argv, on_leash(environment).get(), flags);
}
int execl(const char* path, const char* first, ...) noexcept {
  LEASH_WITH_ARGUMENTS(first);
  va_end(rest);
  return execv(path, arguments);
}
int execlp(const char* file, const char* first, ...) noexcept {
  LEASH_WITH_ARGUMENTS(first);
  va_end(rest);
  return execvp(file, arguments);
}
int execle(const char* path, const char* first, ...) noexcept {
  LEASH_WITH_ARGUMENTS(first);
  char* const* const environment = va_arg(rest, char* const*);
  va_end(rest);
  return execve(path, arguments, environment);
}

void _exit(int status) { end_at_once(status); }
void _Exit(int status) noexcept { end_at_once(status); }

#pragma GCC visibility pop
}
// NOLINTEND(cert-dcl37-c,cert-dcl50-cpp,cert-dcl51-cpp,bugprone-reserved-identifier)

#undef LEASH_WITH_ARGUMENTS
#undef LEASH_REAL_VFORK
