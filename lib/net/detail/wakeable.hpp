#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>

namespace LEASH_NAMESPACE::net::detail {

/// An asynchronous operation that waits for something, as what it waits for sees it.
class Wakeable : public leash::detail::RefCounted {
 public:
  /// What it waits for may have come: it will look, but not in this call. Any thread may call this, also after the
  /// operation has ended.
  virtual void wake() noexcept = 0;

 protected:
  Wakeable() = default;
  virtual ~Wakeable();

 private:
  friend class WaitList;
  friend void destroy(Wakeable* object) noexcept { delete object; }

  // Of the one WaitList that it is in, under that one's mutex.
  Wakeable* next_ = nullptr;
  Wakeable* previous_ = nullptr;
  std::uint64_t number_ = 0;
};

}  // namespace LEASH_NAMESPACE::net::detail
