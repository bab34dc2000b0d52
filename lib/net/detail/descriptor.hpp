#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <leash/config.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// A descriptor that some threads work on while another closes it. Its number cannot come to stand for something else
/// under a thread that works on it: whoever retires it waits for those to leave.
class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (!retired()) ::close(number_);
  }

  /// Keeps the descriptor from being retired, if that has not begun: then it converts to true.
  class Use {
   public:
    explicit Use(Descriptor& descriptor) noexcept : descriptor_(&descriptor), valid_(descriptor.enter()) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { descriptor_->leave(); }

    explicit operator bool() const noexcept { return valid_; }

   private:
    Descriptor* descriptor_;
    bool valid_;
  };

  /// Lets no new use begin, calls `wake`, which must make those under way end soon, waits for that, and hands the
  /// number over. Nothing if the descriptor was retired before.
  template <class Wake>
  [[nodiscard]] std::optional<int> retire(Wake wake) {
    if ((state_.fetch_or(retired_bit) & retired_bit) != 0) return std::nullopt;
    wake();
    for (std::uint32_t state = state_.load(); state != retired_bit; state = state_.load()) state_.wait(state);
    return number_;
  }

  bool retired() const noexcept { return (state_.load() & retired_bit) != 0; }

  /// Only a `Use` makes it safe to work on.
  int number() const noexcept { return number_; }

 private:
  static constexpr std::uint32_t retired_bit = std::uint32_t{1} << 31U;

  bool enter() noexcept { return (state_.fetch_add(1) & retired_bit) == 0; }

  void leave() noexcept {
    if (((state_.fetch_sub(1) - 1) & retired_bit) != 0) state_.notify_all();
  }

  const int number_;
  std::atomic<std::uint32_t> state_{0};
};

}  // namespace LEASH_NAMESPACE::net::detail
