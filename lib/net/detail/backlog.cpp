#include <leash/net/detail/backlog.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

/// Waits until `ready()` is true or the Context is done. The caller must destroy `woken` after it has unlocked `lock`:
/// the destructor waits for a running callback, and the callback takes the mutex.
template <class Ready>
void Backlog::wait(std::unique_lock<os::Mutex>& lock, Registration& woken, const Context& context, Ready ready) {
  if (ready()) return;
  lock.unlock();
  woken = context.on_cancel([this] {
    {
      const std::lock_guard locked(mutex_);
    }
    changed_.notify_all();
  });
  lock.lock();
  changed_.wait(lock, [&] { return ready() || context.done(); });
}

Result<void> Backlog::push(const Context& context, std::string_view subject, std::shared_ptr<MemoryLink> link) {
  Registration woken;
  std::unique_lock lock(mutex_);
  const auto ready = [this] { return closed_ || queue_.size() < capacity_; };
  wait(lock, woken, context, ready);
  if (closed_) return fail("dial", subject, std::errc::connection_refused);
  if (!ready()) return context.check("dial", subject);
  queue_.push_back(std::move(link));
  changed_.notify_all();
  return {};
}

Result<std::shared_ptr<MemoryLink>> Backlog::pop(const Context& context, std::string_view subject) {
  Registration woken;
  std::unique_lock lock(mutex_);
  wait(lock, woken, context, [this] { return closed_ || !queue_.empty(); });
  if (closed_) return fail("accept", subject, std::errc::bad_file_descriptor);
  if (queue_.empty()) return std::unexpected(context.check("accept", subject).error());
  std::shared_ptr<MemoryLink> link = std::move(queue_.front());
  queue_.pop_front();
  changed_.notify_all();
  return link;
}

bool Backlog::close() {
  std::deque<std::shared_ptr<MemoryLink>> queued;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return false;
    queued.swap(queue_);
  }
  changed_.notify_all();
  for (const auto& link : queued) link->reset(End::accepted);
  return true;
}

}  // namespace LEASH_NAMESPACE::net::detail
