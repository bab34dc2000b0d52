#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/os/happens_before.hpp>
#include <utility>

namespace LEASH_NAMESPACE::detail {

/// Base of an object that counts the references to it, from 0 on; `Ref` changes the count. Thread-safe.
///
/// Counts by the functions that std::atomic is made of: all that includes a header of leash would include `<atomic>`
/// too.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void add_ref() const noexcept { __atomic_fetch_add(&references_, 1, __ATOMIC_RELAXED); }

  /// For who has no reference of its own: false if there is none any more, and the object is about to be destroyed.
  bool try_add_ref() const noexcept {
    std::uint32_t known = __atomic_load_n(&references_, __ATOMIC_RELAXED);
    while (known != 0) {
      if (__atomic_compare_exchange_n(&references_, &known, known + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return true;
    }
    return false;
  }

  /// Returns true if this was the last reference: the caller must then destroy the object.
  bool drop_ref() const noexcept {
    os::happens_before(&references_);
    if (__atomic_fetch_sub(&references_, 1, __ATOMIC_ACQ_REL) != 1) return false;
    os::happens_after(&references_);
    return true;
  }

 protected:
  ~RefCounted() = default;

 private:
  mutable std::uint32_t references_ = 0;
};

/// Owns one reference to a `T`, which derives from `RefCounted`; one pointer wide. The last Ref calls `destroy(T*)`,
/// which is found by the namespace of `T`.
///
/// A header may hold a `Ref` to a `T` that it only declares, if a source that defines `T` defines the copy operations
/// and the destructor of the class that holds it.
template <class T>
class Ref {
 public:
  Ref() noexcept = default;
  Ref(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): a null Ref is written nullptr
  explicit Ref(T* object) noexcept : object_(object) { retain(); }
  Ref(const Ref& other) noexcept : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { release(); }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  /// Leaves this Ref null without dropping the reference: the caller must drop it.
  T* detach() noexcept { return std::exchange(object_, nullptr); }

 private:
  void retain() const noexcept {
    if (object_ != nullptr) object_->add_ref();
  }
  void release() const noexcept {
    if (object_ != nullptr && object_->drop_ref()) destroy(object_);
  }

  T* object_ = nullptr;
};

}  // namespace LEASH_NAMESPACE::detail
