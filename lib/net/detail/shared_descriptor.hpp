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

/// A descriptor that some threads work on while another closes it. Its number cannot come to stand for something else
/// under a thread that works on it: whoever retires it waits for those to leave; in a forked child only for those that
/// came there.
class SharedDescriptor {
 public:
  explicit SharedDescriptor(int number) noexcept : number_(number) {}
  SharedDescriptor(const SharedDescriptor&) = delete;
  SharedDescriptor& operator=(const SharedDescriptor&) = delete;
  ~SharedDescriptor() {
    if (!retired()) os::close_own(number_);
  }

  /// Keeps the descriptor from being retired, if that has not begun: then it converts to true.
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

  /// Lets no new use begin, calls `wake`, which must make those under way end soon, waits for that, and hands the
  /// number over. Nothing if the descriptor was retired before.
  template <class Wake>
  [[nodiscard]] std::optional<int> retire(Wake wake) {
    if ((change([](std::uint64_t state) { return state | retired_bit; }) & retired_bit) != 0) return std::nullopt;
    wake();
    left_.wait([this] { return uses_of(state_.load()) == 0; });
    os::happens_after(this);
    return number_;
  }

  bool retired() const noexcept { return (state_.load() & retired_bit) != 0; }

  /// Only a `Use` makes it safe to work on.
  int number() const noexcept { return number_; }

 private:
  // The state: how many uses there are; whether it is retired; and above that which generation of processes the uses
  // are of.
  static constexpr std::uint64_t retired_bit = std::uint64_t{1} << 31U;
  static constexpr unsigned generation_shift = 32;

  static std::uint64_t uses_of(std::uint64_t state) noexcept { return state & (retired_bit - 1); }
  static std::uint32_t generation_of(std::uint64_t state) noexcept {
    return static_cast<std::uint32_t>(state >> generation_shift);
  }

  /// The state without the uses of threads that were lost in a fork.
  static std::uint64_t without_lost(std::uint64_t state) noexcept {
    const std::uint32_t generation = os::fork_generation();
    if (generation_of(state) == generation) return state;
    return std::uint64_t{generation} << generation_shift | (state & retired_bit);
  }

  /// Makes `next(state)` of the state, which it returns as it was.
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

  const int number_;
  std::atomic<std::uint64_t> state_{std::uint64_t{os::fork_generation()} << generation_shift};
  os::EventCount left_;
};

}  // namespace LEASH_NAMESPACE::net::detail
