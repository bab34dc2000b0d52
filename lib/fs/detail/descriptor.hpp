#pragma once

#include <leash/config.hpp>
#include <leash/track/detail/own_descriptors.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

/// Owns a file descriptor. Closing it by destruction is for those whose errors mean nothing: directories, and paths
/// that failed.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    Descriptor(std::move(other)).swap(*this);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) track::detail::close_own(descriptor_);
  }

  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }
  void swap(Descriptor& other) noexcept { std::swap(descriptor_, other.descriptor_); }
  explicit operator bool() const noexcept { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

}  // namespace LEASH_NAMESPACE::fs::detail
