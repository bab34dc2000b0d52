#pragma once

#include <leash/config.hpp>
#include <leash/os/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::os {

/// Owns a descriptor of leash's own (see own_descriptors.hpp) and closes it. The destructor drops the error of
/// close(2): use it only where that error means nothing, as for a directory, or on the error path of the operation that
/// opened it.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Descriptor(std::move(other)).swap(*this);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) close_own(number_);
  }

  int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  void swap(Descriptor& other) noexcept { std::swap(number_, other.number_); }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

}  // namespace LEASH_NAMESPACE::os
