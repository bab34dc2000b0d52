#pragma once

#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/function_ref.hpp>
#include <leash/os/descriptor.hpp>
#include <optional>
#include <string>

namespace LEASH_NAMESPACE::fault::detail {

/// How a child has ended that did not come back.
struct Death {
  std::string how;    ///< `killed by SIGABRT`, with the line of its output that tells most.
  bool hung = false;  ///< It was killed, since it did not end.
};

/// What a child and its parent have in common.
struct ChildWires {
  os::Descriptor came_back;  ///< Where the parent reads a byte if the child comes back.
  os::Descriptor says_so;    ///< Where the child writes it.
  os::Descriptor output;     ///< Where the parent reads what the child prints,
  os::Descriptor prints;     ///< and where the child prints it.
};

/// A forked child that calls a function, of which nothing is seen that it prints.
class Child {
 public:
  /// Calls `run` in a child. Throws `std::system_error` if there can be none.
  explicit Child(FunctionRef<void()> run);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Kills it if it was not waited for.
  ~Child();

  /// Waits for its end. Returns nothing if `run` has returned there within `limit` of the child's beginning, else how
  /// the child has ended. Once.
  std::optional<Death> wait(Clock::duration limit);

 private:
  int reap() noexcept;

  ChildWires wires_;
  const Clock::time_point began_ = Clock::real()->now();
  int process_ = -1;  ///< -1 once it is no more.
};

}  // namespace LEASH_NAMESPACE::fault::detail
