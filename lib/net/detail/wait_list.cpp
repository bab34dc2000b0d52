#include <array>
#include <cstddef>
#include <leash/net/detail/wait_list.hpp>
#include <mutex>

namespace LEASH_NAMESPACE::net::detail {

Wakeable::~Wakeable() = default;

void WaitList::add(Wakeable& operation) noexcept {
  const std::lock_guard lock(mutex_);
  operation.number_ = ++last_number_;
  operation.previous_ = last_;
  operation.next_ = nullptr;
  (last_ == nullptr ? first_ : last_->next_) = &operation;
  last_ = &operation;
  waiting_.fetch_add(1);
}

void WaitList::remove(Wakeable& operation) noexcept {
  const std::lock_guard lock(mutex_);
  (operation.previous_ == nullptr ? first_ : operation.previous_->next_) = operation.next_;
  (operation.next_ == nullptr ? last_ : operation.next_->previous_) = operation.previous_;
  waiting_.fetch_sub(1);
}

void WaitList::wake_all() noexcept {
  threads_.notify_all();
  // An operation calls its executor, and so is woken without the mutex.
  for (std::uint64_t woken = 0;;) {
    std::array<leash::detail::Ref<Wakeable>, 16> some;
    std::size_t count = 0;
    {
      const std::lock_guard lock(mutex_);
      for (Wakeable* each = first_; each != nullptr && count != some.size(); each = each->next_) {
        if (each->number_ > woken) some[count++] = leash::detail::Ref(each);
      }
    }
    for (std::size_t at = 0; at < count; ++at) {
      woken = some[at]->number_;
      some[at]->wake();
    }
    if (count != some.size()) return;
  }
}

}  // namespace LEASH_NAMESPACE::net::detail
