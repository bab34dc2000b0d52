#pragma once

#include <leash/config.hpp>

struct sockaddr;

namespace LEASH_NAMESPACE::interpose {

/// The plan of LEASH_FAULTS, for calls of the C library. Thread-safe. Where there is no plan, a look costs a load.
class Faults {
 public:
  /// Reads the environment. What it cannot do it says on standard error, and then there is no plan.
  static void begin() noexcept;

  /// Whether the plan makes `operation` on `subject` fail now: sets errno then. Waits first if the plan delays it. Null
  /// is no subject.
  static bool strikes(const char* operation, const char* subject = nullptr) noexcept {
    return there_are && decide(operation, subject);
  }

  /// The same of a descriptor, whose name is the subject, or of an address.
  static bool strikes(const char* operation, int number) noexcept { return there_are && decide(operation, number); }
  static bool strikes(const char* operation, const sockaddr* address, unsigned size) noexcept {
    return there_are && decide(operation, address, size);
  }

 private:
  static bool decide(const char* operation, const char* subject) noexcept;
  static bool decide(const char* operation, int number) noexcept;
  static bool decide(const char* operation, const sockaddr* address, unsigned size) noexcept;

  static bool there_are;  ///< Set before `main`, and never again.
};

}  // namespace LEASH_NAMESPACE::interpose
