// The functions of the C library that close and duplicate descriptors, in front of those of libc.
#undef _FORTIFY_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include <cstdarg>
#include <leash/interpose/calls.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/faults.hpp>
#include <leash/interpose/kinds.hpp>
#include <leash/interpose/real.hpp>
#include <limits>

namespace kinds = leash::interpose::kinds;
using leash::interpose::closed;
using leash::interpose::Descriptors;
using leash::interpose::Faults;
using leash::interpose::opened;
using leash::interpose::Real;

namespace {

constinit const Real<int(int)> real_close [[gnu::section("leash_reals")]] ("close");
constinit const Real<int(unsigned, unsigned, int)> real_close_range [[gnu::section("leash_reals")]] ("close_range");
constinit const Real<void(int)> real_closefrom [[gnu::section("leash_reals")]] ("closefrom");
constinit const Real<int(int)> real_dup [[gnu::section("leash_reals")]] ("dup");
constinit const Real<int(int, int)> real_dup2 [[gnu::section("leash_reals")]] ("dup2");
constinit const Real<int(int, int, int)> real_dup3 [[gnu::section("leash_reals")]] ("dup3");
constinit const Real<int(int, int, ...)> real_fcntl [[gnu::section("leash_reals")]] ("fcntl");
constinit const Real<int(int, int, ...)> real_fcntl64 [[gnu::section("leash_reals")]] ("fcntl64");

/// What `duplicate()` returns, another descriptor for what `of` is.
template <class Duplicate>
int duplicated(int of, Duplicate duplicate) {
  return opened("dup", of, Descriptors::kind_or(of, kinds::duplicate), duplicate);
}

/// `duplicate()` puts a duplicate of `of` in the place of `number`, which it closes.
template <class Duplicate>
int replaced(int of, int number, Duplicate duplicate) noexcept {
  if (of == number) return duplicate();
  if (Faults::strikes("dup", of)) [[unlikely]]
    return -1;
  const leash::track::Kind& kind = Descriptors::kind_or(of, kinds::duplicate);
  Descriptors::Closing closing(number);
  const int made = duplicate();
  if (made < 0) closing.keep();
  Descriptors::opened(made, kind);
  return made;
}

int controlled(const Real<int(int, int, ...)>& real, int number, int command, void* argument) {
  const auto control = [&] { return real(number, command, argument); };
  const bool duplicates = command == F_DUPFD || command == F_DUPFD_CLOEXEC;
  return duplicates ? duplicated(number, control) : control();
}

}  // namespace

extern "C" {

#pragma GCC visibility push(default)

int close(int number) {
  return closed(number, [&] { return real_close(number); }, __builtin_return_address(0));
}
int close_range(unsigned first, unsigned last, int flags) noexcept {
  // With a table of its own the thread closes nothing of the others'. Other flags are refused, and so is an empty
  // range.
  if (flags == 0 && first <= last) Descriptors::close(first, last);
  return real_close_range(first, last, flags);
}
void closefrom(int first) noexcept {
  Descriptors::close(first < 0 ? 0U : static_cast<unsigned>(first), std::numeric_limits<unsigned>::max());
  real_closefrom(first);
}

int dup(int number) noexcept {
  return duplicated(number, [&] { return real_dup(number); });
}
int dup2(int of, int number) noexcept {
  return replaced(of, number, [&] { return real_dup2(of, number); });
}
int dup3(int of, int number, int flags) noexcept {
  return replaced(of, number, [&] { return real_dup3(of, number, flags); });
}
int fcntl(int number, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return controlled(real_fcntl, number, command, argument);
}
int fcntl64(int number, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return controlled(real_fcntl64, number, command, argument);
}

#pragma GCC visibility pop
}
