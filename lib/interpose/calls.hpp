#pragma once

#include <dirent.h>

#include <cerrno>
#include <cstdio>
#include <leash/config.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/faults.hpp>
#include <leash/track/kind.hpp>
#include <type_traits>

namespace LEASH_NAMESPACE::interpose {

/// How the functions of the C library that we stand in front of are called. These here keep errno as those set it.

/// The number of what was opened; -1 for none, as null, which the C library refuses, and a stream in memory. Not
/// inlined: by its headers a program never passes null.
inline int number_of(int number) noexcept { return number; }
[[gnu::noinline]] inline int number_of(DIR* directory) noexcept {
  return directory == nullptr ? -1 : ::dirfd(directory);
}
[[gnu::noinline]] inline int number_of(std::FILE* stream) noexcept {
  const int error = errno;
  const int number = stream == nullptr ? -1 : ::fileno(stream);
  errno = error;
  return number;
}

/// What a function returns that has failed.
template <class Returned>
constexpr Returned failure() noexcept {
  if constexpr (std::is_pointer_v<Returned>) {
    return nullptr;
  } else {
    return -1;
  }
}

/// What `open()` returns, with a tag. Fails without a call if a fault strikes `operation` on `subject`.
template <class Subject, class Open>
auto opened(const char* operation, Subject subject, const track::Kind& kind, Open open) {
  if (Faults::strikes(operation, subject)) [[unlikely]]
    return failure<decltype(open())>();
  const auto result = open();
  Descriptors::opened(number_of(result), kind);
  return result;
}

/// What `close()` returns, which closes `number`. If a fault strikes, fails nevertheless. `caller` is as that of
/// `Descriptors::Closing`.
template <class Close>
int closed(int number, Close close, const void* caller = nullptr) {
  const bool fails = Faults::strikes("close", number);
  const int error = fails ? errno : 0;
  Descriptors::Closing closing(number, caller);
  const int result = close();
  closing.ended(result != -1);
  if (!fails) [[likely]]
    return result;
  errno = error;
  return -1;
}

}  // namespace LEASH_NAMESPACE::interpose
