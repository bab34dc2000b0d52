#pragma once

#include <leash/config.hpp>

namespace LEASH_NAMESPACE::detail {

/// Owns a `T`, made by its default constructor, that a header only declares, as a `const std::unique_ptr` would, which
/// takes ten times as long to compile. The source that defines `T` defines the constructor and the destructor of the
/// class that holds it.
template <class T>
class Pimpl {
 public:
  Pimpl() : object_(new T()) {}
  Pimpl(const Pimpl&) = delete;
  Pimpl& operator=(const Pimpl&) = delete;
  ~Pimpl() { delete object_; }

  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }

 private:
  T* const object_;
};

}  // namespace LEASH_NAMESPACE::detail
