#include <leash/net/detail/backlog.hpp>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

bool Backlog::push(const std::shared_ptr<MemoryLink>& link, std::string_view subject, Result<void>& result) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      result = fail("dial", subject, std::errc::connection_refused);
      return true;
    }
    if (queue_.size() == capacity_) return false;
    queue_.push_back(link);
  }
  result = {};
  changed_.notify_all();
  return true;
}

bool Backlog::pop(std::string_view subject, Result<std::shared_ptr<MemoryLink>>& result) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      result = fail("accept", subject, std::errc::bad_file_descriptor);
      return true;
    }
    if (queue_.empty()) return false;
    result = std::move(queue_.front());
    queue_.pop_front();
  }
  changed_.notify_all();
  return true;
}

Result<std::shared_ptr<MemoryLink>> Backlog::wait_and_pop(const Context& context, std::string_view subject) {
  Result<std::shared_ptr<MemoryLink>> result;
  if (pop(subject, result)) return result;
  const Registration woken = context.on_cancel([this] { notify(); });
  bool popped = false;
  changed_.wait([&] {
    popped = pop(subject, result);
    return popped || context.done();
  });
  if (!popped) return std::unexpected(context.check("accept", subject).error());
  return result;
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
