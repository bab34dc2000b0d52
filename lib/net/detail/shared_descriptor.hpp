#pragma once

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/event_count.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/happens_before.hpp>
#include <leash/os/own_descriptors.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// A descriptor that one thread may close while others use it. If it were closed at once, the kernel could give its
/// number to another file, and a thread in the middle of an operation would work on that. So a thread makes a Use for
/// the time of its operation, and the one that closes first calls `retire`, which waits for the Uses to end. In a
/// forked child it waits only for those that began there: the threads of the others do not exist in the child.
class SharedDescriptor {
 public:
  explicit SharedDescriptor(int number) noexcept : number_(number) {}
  SharedDescriptor(const SharedDescriptor&) = delete;
  SharedDescriptor& operator=(const SharedDescriptor&) = delete;
  ~SharedDescriptor() {
    if (number_ >= 0 && !retired()) os::close_own(number_);
  }

  /// Sets the number, once, where the constructor was given -1: before anything else is called.
  void set(int number) noexcept { number_ = number; }

  /// Keeps `retire` from returning while it lives. Converts to false if `retire` was called before: then the descriptor
  /// must not be used.
  class Use {
   public:
    explicit Use(SharedDescriptor& descriptor) noexcept : descriptor_(&descriptor), state_(descriptor.enter()) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { descriptor_->leave(generation_of(state_)); }

    explicit operator bool() const noexcept { return (state_ & retired_bit) == 0; }

   private:
    SharedDescriptor* descriptor_;
    std::uint64_t state_;
  };

  /// Retires the descriptor, so that every new Use converts to false. Then calls `wake`, which must make the operations
  /// under way end soon, and waits until their Uses have ended. Returns the number, which is now the caller's to close;
  /// nothing if the descriptor was retired before.
  template <class Wake>
  [[nodiscard]] std::optional<int> retire(Wake wake) {
    if ((change([](std::uint64_t state) { return state | retired_bit; }) & retired_bit) != 0) return std::nullopt;
    wake();
    left_.wait([this] { return uses_of(state_.load()) == 0; });
    os::happens_after(this);
    return number_;
  }

  bool retired() const noexcept { return (state_.load() & retired_bit) != 0; }

  /// The descriptor; a thread must have a `Use` to work on it.
  int number() const noexcept { return number_; }

 private:
  // The state, from the lowest bit: the number of Uses (31 bits), whether the descriptor is retired (1 bit), and the
  // fork generation of the process in which the Uses began (32 bits).
  static constexpr std::uint64_t retired_bit = std::uint64_t{1} << 31U;
  static constexpr unsigned generation_shift = 32;

  static std::uint64_t uses_of(std::uint64_t state) noexcept { return state & (retired_bit - 1); }
  static std::uint32_t generation_of(std::uint64_t state) noexcept {
    return static_cast<std::uint32_t>(state >> generation_shift);
  }

  /// The state as this process sees it: without Uses that began before a fork, whose threads do not exist here.
  static std::uint64_t without_lost(std::uint64_t state) noexcept {
    const std::uint32_t generation = os::fork_generation();
    if (generation_of(state) == generation) return state;
    return std::uint64_t{generation} << generation_shift | (state & retired_bit);
  }

  /// Atomically replaces the state by `next(state)`. Returns the state before, without Uses from before a fork.
  template <class Next>
  std::uint64_t change(Next next) noexcept {
    std::uint64_t state = state_.load();
    while (!state_.compare_exchange_weak(state, next(without_lost(state)))) {
    }
    return without_lost(state);
  }

  std::uint64_t enter() noexcept {
    return change([](std::uint64_t state) { return state + 1; });
  }

  void leave(std::uint32_t generation) noexcept {
    os::happens_before(this);
    const std::uint64_t before =
        change([generation](std::uint64_t state) { return generation_of(state) == generation ? state - 1 : state; });
    if ((before & retired_bit) != 0) left_.notify_all();
  }

  int number_;
  std::atomic<std::uint64_t> state_{std::uint64_t{os::fork_generation()} << generation_shift};
  os::EventCount left_;
};

}  // namespace LEASH_NAMESPACE::net::detail
