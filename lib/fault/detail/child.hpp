#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/function_ref.hpp>
#include <leash/os/descriptor.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// What a child tells its parent, in memory that both have: it may close every descriptor.
class ChildNotes {
 public:
  /// A fault has struck an operation on this.
  void add_struck(std::string_view subject) noexcept;

  /// The subjects of the faults that have struck, cut to some length. The last ones are empty if there were many.
  std::vector<std::string> struck() const;

  void come_back() noexcept { came_back_ = true; }
  bool came_back() const noexcept { return came_back_; }

 private:
  static constexpr std::size_t most_subjects = 16;

  std::atomic<bool> came_back_{false};
  std::atomic<std::uint32_t> struck_{0};
  std::array<std::array<char, 160>, most_subjects> subjects_{};
};

/// How a child has ended.
struct ChildEnd {
  bool came_back = false;   ///< The function has returned there.
  bool hung = false;        ///< It was killed, since it did not end.
  std::string how = {};     ///< If it is neither: `is killed by SIGABRT`, with the line of its output that tells most.
  std::string report = {};  ///< The line of its output in which a sanitizer reports something.
  std::vector<std::string> struck = {};  ///< As `ChildNotes::struck`.
};

/// A forked child that calls a function, of which nothing is seen that it prints.
class Child {
 public:
  /// Calls `run` in a child. What it throws ends the child as in a thread. Throws `std::system_error` if there can be
  /// no child.
  explicit Child(FunctionRef<void(ChildNotes&)> run);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Kills it if it was not waited for.
  ~Child();

  /// Waits for its end, no longer than `limit`, and kills it then. Once.
  ChildEnd wait(Clock::duration limit);

 private:
  struct Unmap {
    void operator()(ChildNotes* notes) const noexcept;
  };

  int reap() noexcept;

  std::unique_ptr<ChildNotes, Unmap> notes_;
  os::Descriptor output_;  ///< Where the parent reads what the child prints.
  os::Descriptor end_;     ///< Readable when the child has ended; none where the system has no such thing.
  int process_ = -1;       ///< -1 once it is no more.
};

}  // namespace LEASH_NAMESPACE::fault::detail
