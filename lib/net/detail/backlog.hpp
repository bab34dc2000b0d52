#pragma once

#include <cstddef>
#include <deque>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/detail/memory_link.hpp>
#include <leash/net/detail/wait_list.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// The queue of connections that wait to be accepted at one address of a MemoryNetwork. Thread-safe.
class Backlog {
 public:
  explicit Backlog(std::size_t capacity) : capacity_(capacity) {}

  /// Appends a dialled connection. False, and nothing was done, while the queue is full; else with this `result`:
  /// `connection_refused` when the backlog is closed.
  bool push(const std::shared_ptr<MemoryLink>& link, std::string_view subject, Result<void>& result);

  /// Takes the first connection. False while there is none; else with this `result`: `bad_file_descriptor` when the
  /// backlog is closed.
  bool pop(std::string_view subject, Result<std::shared_ptr<MemoryLink>>& result);

  /// As `pop`, but waits for it. Errors: also those of the Context.
  [[nodiscard]] Result<std::shared_ptr<MemoryLink>> wait_and_pop(const Context& context, std::string_view subject);

  /// Makes all waiting operations fail, and resets the connections in the queue. False if it was closed before.
  bool close();

  /// Who waits for a connection, or for room.
  WaitList& changed() noexcept { return changed_; }

  /// All that wait look again at what this thread has changed elsewhere, such as a Context.
  void notify() {
    {
      const std::lock_guard<os::Mutex> lock(mutex_);
    }
    changed_.notify_all();
  }

 private:
  const std::size_t capacity_;
  os::Mutex mutex_;
  std::deque<std::shared_ptr<MemoryLink>> queue_;
  bool closed_ = false;
  WaitList changed_;
};

}  // namespace LEASH_NAMESPACE::net::detail
